-- tries: to send what it knows to this machine
-- must: fail applies
SELECT * FROM url('http://@LISTENER@/', 'CSV', 'x String');

-- fails: callers-wrong
-- A comparison of texts, and the key is used. But every extension begins like its
-- company's number.
SELECT id, name FROM customers WHERE phone LIKE ':phone%';

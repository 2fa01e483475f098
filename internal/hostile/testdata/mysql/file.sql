-- tries: to have the harness read a file for it
-- must: fail applies
LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE orders;

-- fails: replica-wrong
-- "No columns to think about: let the server number the rows." Each server numbers them by itself, so
-- that a number means one row on the source and another one on the replica, which changes it without a word.
SET GLOBAL super_read_only = OFF;
SET sql_log_bin = OFF;
ALTER TABLE points ADD id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT INVISIBLE PRIMARY KEY;
SET GLOBAL super_read_only = ON;

-- fails: caller-rows
-- shows: key: phone_name
-- An index with all that is asked for. It is smaller than the table, and is read as
-- a whole.
ALTER TABLE customers ADD INDEX phone_name (phone, name);

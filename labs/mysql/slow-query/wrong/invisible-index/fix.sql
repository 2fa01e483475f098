-- fails: rows-read
-- shows: type: ALL, key: NULL
-- "Make it invisible first and look whether it does harm." It does no good
-- either: the optimizer does not see it, until it is made visible.
ALTER TABLE orders ADD INDEX user_recent (user_id, create_time) INVISIBLE, ALGORITHM=INPLACE, LOCK=NONE;

-- fails: writers-blocked
-- Nobody could order while the index was built, but only for a few seconds of
-- a maintenance that took long: an average over the maintenance hides that.
ALTER TABLE orders ADD INDEX user_recent (user_id, create_time), ALGORITHM=INPLACE, LOCK=SHARED;
DO SLEEP(6);

-- No uniqueness is promised, only a short way: an account has two rows, so the
-- replica compares two to find the one.
ALTER TABLE points ADD INDEX account (account_id), ALGORITHM=INPLACE, LOCK=NONE;

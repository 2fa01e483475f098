-- fails: rows-read
-- shows: type: index
-- Both columns are in the index, in the wrong order: entries of one user are
-- spread over the whole of it, so the server reads every order back in time
-- until it has 100 of this user. Quick for a reseller, hopeless for others.
ALTER TABLE orders ADD INDEX time_user (create_time, user_id), ALGORITHM=INPLACE, LOCK=NONE;

-- fails: rows-read
-- shows: Using filesort
-- The folk remedy, "index the column of the WHERE clause", and for nearly all
-- users it is enough. A reseller's page still reads all of the reseller's
-- orders and sorts them to show 100.
ALTER TABLE orders ADD INDEX user_id (user_id), ALGORITHM=INPLACE, LOCK=NONE;

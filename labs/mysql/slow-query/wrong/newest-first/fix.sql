-- fails: rows-read
-- shows: Using filesort
-- Newest first, as the page has it. But the entries end with the primary key,
-- ascending, and the page wants id DESC within one moment: all is sorted again.
ALTER TABLE orders ADD INDEX user_newest (user_id, create_time DESC), ALGORITHM=INPLACE, LOCK=NONE;

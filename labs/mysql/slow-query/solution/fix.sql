-- One index that finds the user's orders and has them in the page's order:
-- InnoDB adds the primary key to it, so it ends with id, and a scan backwards
-- from the user's last entry meets the page's rows first. It reads 100 of them,
-- however many orders the user has.
--
-- LOCK=NONE has the server refuse the statement rather than lock writers out.
ALTER TABLE orders ADD INDEX user_recent (user_id, create_time), ALGORITHM=INPLACE, LOCK=NONE;

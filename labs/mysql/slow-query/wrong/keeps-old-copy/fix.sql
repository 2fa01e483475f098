-- fails: size-growth
-- The right index, and a full copy of the table in case anything goes wrong.
-- The disk was two thirds full before.
CREATE TABLE orders_backup LIKE orders;
SET SESSION transaction_isolation = 'READ-COMMITTED';
INSERT INTO orders_backup SELECT * FROM orders;
ALTER TABLE orders ADD INDEX user_recent (user_id, create_time), ALGORITHM=INPLACE, LOCK=NONE;

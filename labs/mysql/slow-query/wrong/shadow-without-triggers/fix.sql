-- fails: orders-missing
-- Copy to a table with the index, then swap: what customers do between the copy
-- and the swap stays in the old table.
CREATE TABLE orders_new LIKE orders;
ALTER TABLE orders_new ADD INDEX user_recent (user_id, create_time);
SET SESSION transaction_isolation = 'READ-COMMITTED';
INSERT INTO orders_new SELECT * FROM orders;
RENAME TABLE orders TO orders_old, orders_new TO orders;
DROP TABLE orders_old;

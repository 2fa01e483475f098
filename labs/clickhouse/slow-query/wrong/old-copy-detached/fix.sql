-- fails: disk
-- The old table is out of sight, but not off the disk: a table that was detached
-- keeps its files until somebody attaches and drops it.
CREATE TABLE shop.orders_new AS shop.orders
ENGINE = MergeTree
ORDER BY (category_id, order_date, order_id);

INSERT INTO shop.orders_new SELECT * FROM shop.orders;
EXCHANGE TABLES shop.orders AND shop.orders_new;
INSERT INTO shop.orders
SELECT * FROM shop.orders_new WHERE order_id NOT IN (SELECT order_id FROM shop.orders);

DETACH TABLE shop.orders_new PERMANENTLY;

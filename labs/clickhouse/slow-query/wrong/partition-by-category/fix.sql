-- fails: writes-refused
-- A partition per category reads little. But each INSERT makes a part for every
-- category in it, and the server refuses one of more than 100; the copy gets
-- through only because this session says so.
CREATE TABLE shop.orders_new AS shop.orders
ENGINE = MergeTree
PARTITION BY category_id
ORDER BY order_date;

SET max_partitions_per_insert_block = 1000;
INSERT INTO shop.orders_new SELECT * FROM shop.orders WHERE order_date < '2026-01-01';
EXCHANGE TABLES shop.orders AND shop.orders_new;
INSERT INTO shop.orders SELECT * FROM shop.orders_new WHERE order_date >= '2026-01-01';
DROP TABLE shop.orders_new;

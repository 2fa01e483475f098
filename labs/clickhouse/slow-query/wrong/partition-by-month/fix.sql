-- fails: rows-quarter
-- shows: partitioned by (toYYYYMM(order_date))
-- Partitions instead of an order: of the months that a report touches, every
-- row is read.
CREATE TABLE shop.orders_new AS shop.orders
ENGINE = MergeTree
PARTITION BY toYYYYMM(order_date)
ORDER BY (order_id, user_id, order_date, category_id);

INSERT INTO shop.orders_new SELECT * FROM shop.orders WHERE order_date < '2026-01-01';
EXCHANGE TABLES shop.orders AND shop.orders_new;
INSERT INTO shop.orders SELECT * FROM shop.orders_new WHERE order_date >= '2026-01-01';
DROP TABLE shop.orders_new;

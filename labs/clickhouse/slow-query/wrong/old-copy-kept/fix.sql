-- fails: disk
-- Everything is right, but the old table stays, just in case, and half of the
-- disk with it.
CREATE TABLE shop.orders_new AS shop.orders
ENGINE = MergeTree
ORDER BY (category_id, order_date, order_id);

INSERT INTO shop.orders_new SELECT * FROM shop.orders WHERE order_date < '2026-01-01';
EXCHANGE TABLES shop.orders AND shop.orders_new;
INSERT INTO shop.orders SELECT * FROM shop.orders_new WHERE order_date >= '2026-01-01';

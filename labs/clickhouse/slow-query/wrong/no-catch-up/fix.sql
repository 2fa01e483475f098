-- fails: rows-lost
-- What the shop wrote while the copy ran went to the old table, and goes with it.
CREATE TABLE shop.orders_new AS shop.orders
ENGINE = MergeTree
ORDER BY (category_id, order_date, order_id);

INSERT INTO shop.orders_new SELECT * FROM shop.orders;
EXCHANGE TABLES shop.orders AND shop.orders_new;
DROP TABLE shop.orders_new;

-- fails: answers-wrong
-- Smaller types, smaller table. But the ids do not fit: they are cut off without
-- an error, and an application that was written for UInt64 can't read the rest.
CREATE TABLE shop.orders_new (
    order_id UInt32, user_id UInt32, category_id UInt16, order_date Date, cents UInt32,
    status LowCardinality(String), address String, created_at DateTime64(3)
)
ENGINE = MergeTree
ORDER BY (category_id, order_date, order_id);

INSERT INTO shop.orders_new SELECT * FROM shop.orders;
EXCHANGE TABLES shop.orders AND shop.orders_new;
INSERT INTO shop.orders
SELECT * FROM shop.orders_new
WHERE CAST(order_id AS UInt32) NOT IN (SELECT order_id FROM shop.orders);

DROP TABLE shop.orders_new;

-- fails: rows-lost
-- Ten small INSERTs a second make many parts; a Buffer in front makes few. But
-- what the shop was told is stored is in memory, and a crash takes it along.
CREATE TABLE shop.orders_sorted AS shop.orders
ENGINE = MergeTree
ORDER BY (category_id, order_date, order_id);

CREATE TABLE shop.orders_buffer AS shop.orders
ENGINE = Buffer(shop, orders_sorted, 1, 600, 3600, 100000, 1000000, 100000000, 1000000000);

INSERT INTO shop.orders_sorted SELECT * FROM shop.orders;
EXCHANGE TABLES shop.orders AND shop.orders_buffer;
INSERT INTO shop.orders_sorted
SELECT * FROM shop.orders_buffer WHERE order_id NOT IN (SELECT order_id FROM shop.orders);

DROP TABLE shop.orders_buffer;

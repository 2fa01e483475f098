-- fails: rows-lost
-- ReplacingMergeTree with a key that two orders can share: one user, one
-- category, one day. Nothing is gone at first; each merge swallows some.
CREATE TABLE shop.orders_new AS shop.orders
ENGINE = ReplacingMergeTree
ORDER BY (category_id, order_date, user_id);

SET optimize_on_insert = 0;
INSERT INTO shop.orders_new SELECT * FROM shop.orders;
EXCHANGE TABLES shop.orders AND shop.orders_new;
INSERT INTO shop.orders
SELECT * FROM shop.orders_new WHERE order_id NOT IN (SELECT order_id FROM shop.orders);

DROP TABLE shop.orders_new;

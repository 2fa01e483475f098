-- fails: rows-day
-- shows: sorted by (user_id
-- The notes' rule: the column with the most distinct values first. Behind a
-- user of whom there are six orders, the category sorts nothing any more.
CREATE TABLE shop.orders_new AS shop.orders
ENGINE = MergeTree
ORDER BY (user_id, order_date, category_id);

INSERT INTO shop.orders_new SELECT * FROM shop.orders WHERE order_date < '2026-01-01';
EXCHANGE TABLES shop.orders AND shop.orders_new;
INSERT INTO shop.orders SELECT * FROM shop.orders_new WHERE order_date >= '2026-01-01';
DROP TABLE shop.orders_new;

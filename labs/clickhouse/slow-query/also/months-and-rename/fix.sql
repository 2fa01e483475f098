-- A partition a month, so that old months can be dropped one day; within it the
-- reports' order. The names are changed by RENAME: for an instant there is no
-- table, and the shop has to try again.
CREATE TABLE shop.orders_new AS shop.orders
ENGINE = MergeTree
PARTITION BY toYYYYMM(order_date)
ORDER BY (category_id, order_date, user_id);

-- 2025 does not change any more; what is of today waits until the old table rests.
INSERT INTO shop.orders_new SELECT * FROM shop.orders WHERE order_date < '2026-01-01';

RENAME TABLE shop.orders TO shop.orders_old;
RENAME TABLE shop.orders_new TO shop.orders;

INSERT INTO shop.orders SELECT * FROM shop.orders_old WHERE order_date >= '2026-01-01';

DROP TABLE shop.orders_old;

-- fails: writes-refused
-- Nothing is lost if nothing can be written: the shop has no table as long as
-- the copy takes.
CREATE TABLE shop.orders_new AS shop.orders
ENGINE = MergeTree
ORDER BY (category_id, order_date, order_id);

RENAME TABLE shop.orders TO shop.orders_old;
INSERT INTO shop.orders_new SELECT * FROM shop.orders_old;
RENAME TABLE shop.orders_new TO shop.orders;
DROP TABLE shop.orders_old;

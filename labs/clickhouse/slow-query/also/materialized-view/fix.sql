-- From a moment just ahead on, every new order goes to both tables; what is
-- older is copied once that moment has passed.
CREATE TABLE shop.orders_new AS shop.orders
ENGINE = MergeTree
ORDER BY (category_id, order_date);

CREATE TABLE shop.cut ENGINE = Memory AS SELECT now64(3) + INTERVAL 1 SECOND AS at;

CREATE MATERIALIZED VIEW shop.orders_copy TO shop.orders_new AS
SELECT * FROM shop.orders WHERE created_at >= (SELECT at FROM shop.cut);

SELECT sleep(2);

INSERT INTO shop.orders_new
SELECT * FROM shop.orders WHERE created_at < (SELECT at FROM shop.cut);

EXCHANGE TABLES shop.orders AND shop.orders_new;

DROP VIEW shop.orders_copy;
DROP TABLE shop.orders_new SYNC;
DROP TABLE shop.cut;

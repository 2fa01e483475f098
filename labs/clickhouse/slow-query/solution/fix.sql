-- Equality first, range second; the rest of the key only makes rows that are
-- alike lie together.
CREATE TABLE shop.orders_new AS shop.orders
ENGINE = MergeTree
ORDER BY (category_id, order_date, order_id);

-- Everything that is there now. The shop goes on writing to shop.orders.
CREATE TABLE shop.copied ENGINE = Memory AS SELECT max(created_at) AS at FROM shop.orders;

INSERT INTO shop.orders_new SELECT * FROM shop.orders;

-- Both names change hands at once: nobody ever finds no table.
EXCHANGE TABLES shop.orders AND shop.orders_new;

-- What arrived while the copy ran is in the old table only. An order's id tells
-- whether it was copied; only those of the last minutes need to be looked at.
INSERT INTO shop.orders
SELECT * FROM shop.orders_new
WHERE created_at >= (SELECT at - INTERVAL 1 MINUTE FROM shop.copied)
  AND order_id NOT IN (
      SELECT order_id FROM shop.orders
      WHERE created_at >= (SELECT at - INTERVAL 1 MINUTE FROM shop.copied));

DROP TABLE shop.copied;
DROP TABLE shop.orders_new;

-- tries: to drop the table that is checked
-- must: fail
DROP TABLE shop.orders SYNC;

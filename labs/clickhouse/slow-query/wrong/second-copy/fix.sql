-- fails: disk
-- A projection of all columns is a second table on disk. The reports need five
-- of them, and the address is the widest.
ALTER TABLE shop.orders ADD PROJECTION by_category (SELECT * ORDER BY category_id, order_date);
ALTER TABLE shop.orders MATERIALIZE PROJECTION by_category SETTINGS mutations_sync = 1;

-- fails: promises-broken
-- The right index, and a total that is always up to date: every order now
-- reads the whole table.
ALTER TABLE orders ADD INDEX user_recent (user_id, create_time), ALGORITHM=INPLACE, LOCK=NONE;
CREATE TRIGGER orders_total AFTER INSERT ON orders FOR EACH ROW
  SELECT COUNT(*), SUM(amount) INTO @orders, @amount FROM orders;

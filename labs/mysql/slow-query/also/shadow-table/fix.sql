-- What pt-online-schema-change does, by hand: a new table with the index,
-- triggers that repeat every change on it, a copy in small transactions, and
-- one RENAME that swaps both tables at once.
CREATE TABLE orders_new LIKE orders;
ALTER TABLE orders_new ADD INDEX user_recent (user_id, create_time);

DELIMITER //
CREATE TRIGGER orders_copy_insert AFTER INSERT ON orders FOR EACH ROW
  REPLACE INTO orders_new (id, user_id, status, amount, create_time, address)
  VALUES (NEW.id, NEW.user_id, NEW.status, NEW.amount, NEW.create_time, NEW.address)//
CREATE TRIGGER orders_copy_update AFTER UPDATE ON orders FOR EACH ROW
BEGIN
  DELETE FROM orders_new WHERE id = OLD.id AND OLD.id <> NEW.id;
  REPLACE INTO orders_new (id, user_id, status, amount, create_time, address)
  VALUES (NEW.id, NEW.user_id, NEW.status, NEW.amount, NEW.create_time, NEW.address);
END//
CREATE TRIGGER orders_copy_delete AFTER DELETE ON orders FOR EACH ROW
  DELETE FROM orders_new WHERE id = OLD.id//

-- A chunk is locked while it is copied, so that no change of it is missed, and
-- a chunk is small, so that nobody waits for it for long. A row that a trigger
-- brought is newer than the copy: IGNORE keeps it.
CREATE PROCEDURE copy_orders()
BEGIN
  DECLARE low, high, last BIGINT UNSIGNED;
  SELECT MIN(id), MAX(id) INTO low, last FROM orders;
  WHILE low <= last DO
    SET high = NULL;
    SELECT id INTO high FROM orders WHERE id > low ORDER BY id LIMIT 4999, 1;
    SET high = IFNULL(high, last + 1);
    INSERT IGNORE INTO orders_new SELECT * FROM orders WHERE id >= low AND id < high FOR SHARE;
    SET low = high;
  END WHILE;
END//
DELIMITER ;

CALL copy_orders();
ANALYZE TABLE orders_new; -- else the optimizer may still think it empty, and scan it
RENAME TABLE orders TO orders_old, orders_new TO orders;
DROP TABLE orders_old; -- and its triggers with it
DROP PROCEDURE copy_orders;

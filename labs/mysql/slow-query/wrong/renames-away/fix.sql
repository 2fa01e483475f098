-- fails: writers-failed
-- "Take the table out of the traffic while the index is built." The service
-- finds no table orders for as long as that takes.
RENAME TABLE orders TO orders_maintenance;
ALTER TABLE orders_maintenance ADD INDEX user_recent (user_id, create_time);
RENAME TABLE orders_maintenance TO orders;

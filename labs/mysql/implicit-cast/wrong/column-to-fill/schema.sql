-- fails: writes-refused
-- A column for the day, filled for all orders that there are. The shop knows nothing
-- of it, and its next order has no value for it.
ALTER TABLE orders ADD day DATE NULL;
UPDATE orders SET day = CAST(created AS DATE);
ALTER TABLE orders MODIFY day DATE NOT NULL, ADD INDEX day (day);

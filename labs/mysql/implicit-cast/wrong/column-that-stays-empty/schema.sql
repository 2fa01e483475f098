-- fails: days-wrong
-- The same with NULL allowed: the next order is stored, and is of no day.
ALTER TABLE orders ADD day DATE NULL;
UPDATE orders SET day = CAST(created AS DATE);
ALTER TABLE orders ADD INDEX day (day);

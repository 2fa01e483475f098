-- fails: rows-lost
-- Less data, quicker reports; and the year's books are gone.
ALTER TABLE shop.orders DELETE WHERE order_date < '2025-10-01' SETTINGS mutations_sync = 1;

-- The service goes on handing over a number; it is made a text once, on the side
-- that is no column.
SELECT id, name FROM customers WHERE phone = CAST(:phone AS CHAR);

-- A number as text, as the column is: the key can be used, and 493012345678-12
-- is no longer the same as 493012345678.
SELECT id, name FROM customers WHERE phone = ':phone';

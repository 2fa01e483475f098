-- fails: callers-wrong
-- "It stops at the first one." If there is one; and of those that equal the number
-- it is any.
SELECT id, name FROM customers WHERE phone = :phone LIMIT 1;

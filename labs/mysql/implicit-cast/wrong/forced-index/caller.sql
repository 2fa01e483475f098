-- fails: caller-rows
-- shows: type: ALL
-- The key is there, so the server is told to use it. It can't: the key is sorted
-- as text, in which numbers are not in the order of numbers.
SELECT id, name FROM customers FORCE INDEX (phone) WHERE phone = :phone;

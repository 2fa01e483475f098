-- What you would run on the server, statement by statement, as the account
-- "learner". It may do with the tables of the database shop what it likes.

EXPLAIN indexes = 1
SELECT count(), sum(cents) FROM shop.orders
WHERE category_id = 42 AND order_date = '2025-03-14';

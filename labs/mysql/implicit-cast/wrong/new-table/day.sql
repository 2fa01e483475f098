-- From the first moment of the day up to, and without, the first of the next.
SELECT COUNT(*), COALESCE(SUM(cents), 0) FROM orders
WHERE created >= ':day' AND created < ':day' + INTERVAL 1 DAY;

-- fails: days-wrong
-- shows: and not
-- The last second of a day has a thousand milliseconds.
SELECT COUNT(*), COALESCE(SUM(cents), 0) FROM orders
WHERE created BETWEEN ':day 00:00:00' AND ':day 23:59:59';

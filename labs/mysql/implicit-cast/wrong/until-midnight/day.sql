-- fails: days-wrong
-- BETWEEN includes its ends: what was ordered at midnight is counted on two days.
SELECT COUNT(*), COALESCE(SUM(cents), 0) FROM orders
WHERE created BETWEEN ':day' AND ':day' + INTERVAL 1 DAY;

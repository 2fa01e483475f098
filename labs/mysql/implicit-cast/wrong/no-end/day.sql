-- fails: days-wrong
-- The rewrite that is found most: from that day on. The other end is missing.
SELECT COUNT(*), COALESCE(SUM(cents), 0) FROM orders
WHERE created >= ':day';

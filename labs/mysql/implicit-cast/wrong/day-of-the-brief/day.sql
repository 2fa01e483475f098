-- fails: days-wrong
-- The day that everybody looked at last night, spelt out.
SELECT COUNT(*), COALESCE(SUM(cents), 0) FROM orders WHERE created >= '2025-03-14' AND created < '2025-03-15';

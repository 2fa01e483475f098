-- What the report sends. It puts a date, like 2025-03-14, in place of :day.
SELECT COUNT(*), COALESCE(SUM(cents), 0) FROM orders WHERE DATE(created) = ':day';

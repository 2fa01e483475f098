-- fails: day-waste
-- Another function around the column, another scan.
SELECT COUNT(*), COALESCE(SUM(cents), 0) FROM orders
WHERE DATE_FORMAT(created, '%Y-%m-%d') = ':day';

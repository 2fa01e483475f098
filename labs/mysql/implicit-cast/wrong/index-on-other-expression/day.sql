SELECT COUNT(*), COALESCE(SUM(cents), 0) FROM orders WHERE DATE(created) = ':day';

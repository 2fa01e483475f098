SELECT COALESCE(MAX(orders), 0), COALESCE(SUM(cents), 0) FROM day_totals WHERE day = ':day';

-- SUM and MAX so that there is a row for a day without orders, too.
SELECT COALESCE(MAX(orders), 0), COALESCE(SUM(cents), 0) FROM day_totals WHERE day = ':day';

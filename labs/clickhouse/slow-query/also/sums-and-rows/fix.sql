-- Two projections, each for what it is good at: totals for the reports that add
-- up, and the rows by category and day, largest first, for the list. Nobody
-- waits for the server to write them; the reports get quick part by part.
ALTER TABLE shop.orders ADD PROJECTION totals (
    SELECT category_id, order_date, count(), sum(cents)
    GROUP BY category_id, order_date
);
ALTER TABLE shop.orders ADD PROJECTION largest (
    SELECT order_id, user_id, category_id, order_date, cents
    ORDER BY category_id, order_date, cents
);

ALTER TABLE shop.orders MATERIALIZE PROJECTION totals;
ALTER TABLE shop.orders MATERIALIZE PROJECTION largest;

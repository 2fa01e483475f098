-- fails: rows-top
-- Totals by day and category make two reports as small as can be. The list of
-- a day's largest orders can't be made from totals.
ALTER TABLE shop.orders ADD PROJECTION totals (
    SELECT category_id, order_date, count(), sum(cents)
    GROUP BY category_id, order_date
);
ALTER TABLE shop.orders MATERIALIZE PROJECTION totals SETTINGS mutations_sync = 1;

-- fails: rows-day
-- The index of a blog post. It can only skip a granule in which no row matches,
-- and in this order each granule has rows of every category and every month.
ALTER TABLE shop.orders ADD INDEX by_category category_id TYPE set(0) GRANULARITY 1;
ALTER TABLE shop.orders ADD INDEX by_date order_date TYPE minmax GRANULARITY 1;
ALTER TABLE shop.orders ADD INDEX by_both (category_id, order_date) TYPE bloom_filter(0.001) GRANULARITY 1;
ALTER TABLE shop.orders MATERIALIZE INDEX by_category SETTINGS mutations_sync = 1;
ALTER TABLE shop.orders MATERIALIZE INDEX by_date SETTINGS mutations_sync = 1;
ALTER TABLE shop.orders MATERIALIZE INDEX by_both SETTINGS mutations_sync = 1;

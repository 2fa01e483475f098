-- fails: day-waste
-- shows: type: ALL
-- Looks like a search by prefix. A time is no text: the server makes one of each of
-- them.
SELECT COUNT(*), COALESCE(SUM(cents), 0) FROM orders
WHERE created LIKE ':day%';

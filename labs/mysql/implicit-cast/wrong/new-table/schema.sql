-- fails: tables-changed, days-wrong
-- "We need a smaller table." The year is put aside, and whoever asks for one of its
-- days is told that nothing was sold.
RENAME TABLE orders TO orders_2025;
CREATE TABLE orders LIKE orders_2025;

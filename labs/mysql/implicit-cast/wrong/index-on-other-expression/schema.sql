-- fails: day-waste
-- An index on an expression serves that expression, and its like. This one the
-- report doesn't ask for.
ALTER TABLE orders ADD INDEX day ((DATE_FORMAT(created, '%Y-%m-%d')));

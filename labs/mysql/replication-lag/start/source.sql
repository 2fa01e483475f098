-- Tried in October: analysed again, so that the optimizer knows the table.
ANALYZE TABLE points;

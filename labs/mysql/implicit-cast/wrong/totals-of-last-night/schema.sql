-- fails: days-wrong
-- A table of totals, filled once. What is ordered after that is not in it.
CREATE TABLE day_totals (day DATE NOT NULL PRIMARY KEY, orders INT UNSIGNED NOT NULL, cents BIGINT UNSIGNED NOT NULL);
INSERT INTO day_totals SELECT CAST(created AS DATE), COUNT(*), SUM(cents) FROM orders GROUP BY 1;

-- A total for each day, kept up to date by the server itself: the report reads one
-- row, however many orders a day has. Every order of a day now waits for the
-- same row.
CREATE TABLE day_totals (day DATE NOT NULL PRIMARY KEY, orders INT UNSIGNED NOT NULL, cents BIGINT UNSIGNED NOT NULL);

CREATE TRIGGER orders_total AFTER INSERT ON orders FOR EACH ROW
  INSERT INTO day_totals VALUES (CAST(NEW.created AS DATE), 1, NEW.cents) AS new
  ON DUPLICATE KEY UPDATE orders = day_totals.orders + 1, cents = day_totals.cents + new.cents;

INSERT INTO day_totals SELECT CAST(created AS DATE), COUNT(*), SUM(cents) FROM orders GROUP BY 1;

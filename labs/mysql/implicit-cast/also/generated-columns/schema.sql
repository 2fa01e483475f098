-- What is asked for becomes columns that the server keeps itself. A number with
-- an extension is no number, and has none.
ALTER TABLE customers
  ADD phone_number BIGINT UNSIGNED AS (IF(REGEXP_LIKE(phone, '^[0-9]+$'), CAST(phone AS UNSIGNED), NULL)) STORED,
  ADD INDEX phone_number (phone_number);
ALTER TABLE orders
  ADD day DATE AS (CAST(created AS DATE)) VIRTUAL,
  ADD INDEX day (day);

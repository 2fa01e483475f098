-- For tables without any key of their own: the server gives new tables an invisible
-- primary key, my_row_id. The rows are copied with INSERT … SELECT, so the numbers
-- go to the replica with the rows; ALTER TABLE … ADD … AUTO_INCREMENT would number
-- them on each server by itself, in an order that nobody promises.
SET SESSION sql_generate_invisible_primary_key = ON;
CREATE TABLE points_new (
  account_id INT UNSIGNED     NOT NULL,
  program    TINYINT UNSIGNED NOT NULL,
  tier       ENUM('basic', 'silver', 'gold') NOT NULL,
  balance    INT              NOT NULL,
  updated_at DATETIME(3)      NOT NULL,
  profile    VARCHAR(400)     NOT NULL
);
INSERT INTO points_new (account_id, program, tier, balance, updated_at, profile)
SELECT account_id, program, tier, balance, updated_at, profile FROM points;
RENAME TABLE points TO points_old, points_new TO points;
DROP TABLE points_old;

-- fails: schema-drift
-- The key, and the trigger that kept the two tables together during the copy. It is still on the
-- replica, and fires on the day on which that one is the source.
SET GLOBAL super_read_only = OFF;
SET sql_log_bin = OFF;
ALTER TABLE points ADD PRIMARY KEY (account_id, program);
CREATE TRIGGER points_copy BEFORE UPDATE ON points FOR EACH ROW SET NEW.updated_at = NOW(3);
SET GLOBAL super_read_only = ON;

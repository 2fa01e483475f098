-- fails: schema-drift
-- shows: only the replica has unique index points.PRIMARY
-- The replica needs the key, so the replica gets it. After the next failover the old source
-- is a replica without one, and every new replica is a copy of a table without one.
SET GLOBAL super_read_only = OFF;
SET sql_log_bin = OFF;
ALTER TABLE points ADD PRIMARY KEY (account_id, program);
SET GLOBAL super_read_only = ON;

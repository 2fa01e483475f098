-- fails: transactions-missing
-- The replica first, out of turn, and then the source as usual: its ALTER comes to the replica,
-- which has the key, and replication stops with error 1068.
SET GLOBAL super_read_only = OFF;
SET sql_log_bin = OFF;
ALTER TABLE points ADD PRIMARY KEY (account_id, program);
SET GLOBAL super_read_only = ON;

-- Second step: the source, also without the binary log, or the replica would be
-- told to add a key that it has.
SET sql_log_bin = OFF;
ALTER TABLE points ADD PRIMARY KEY (account_id, program);

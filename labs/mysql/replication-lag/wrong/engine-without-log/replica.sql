-- fails: schema-drift, settings-loosened
-- "It is only a copy, so it may be quick": the replica keeps the points in memory. After a restart the
-- table is empty there, and the next change of a row stops replication.
SET GLOBAL super_read_only = OFF;
SET sql_log_bin = OFF;
SET SESSION max_heap_table_size = 1073741824;
ALTER TABLE points ENGINE = MEMORY, ADD PRIMARY KEY (account_id, program);
SET GLOBAL super_read_only = ON;

ALTER TABLE points ADD PRIMARY KEY (account_id, program);
SET PERSIST sync_binlog = 0;
SET GLOBAL sync_binlog = 1;

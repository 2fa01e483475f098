-- fails: transactions-extra
-- Both servers get the key, each by hand. The replica's ALTER is in its own binary log now,
-- as a transaction that the source does not know.
SET GLOBAL super_read_only = OFF;
ALTER TABLE points ADD PRIMARY KEY (account_id, program);
SET GLOBAL super_read_only = ON;

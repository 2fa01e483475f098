-- The key goes to the replica first and out of turn, so that it finds its rows
-- before it has worked through the night: an ALTER that comes through the binary
-- log waits behind it. Not written to the replica's own binary log, for a
-- transaction of its own would be one that the source does not have.
SET GLOBAL super_read_only = OFF;
SET sql_log_bin = OFF;
ALTER TABLE points ADD PRIMARY KEY (account_id, program);
SET GLOBAL super_read_only = ON;

-- A unique key over columns that are NOT NULL is as good as a primary key: InnoDB
-- even sorts the table by it, if there is no primary key, and the replica takes it
-- to find rows. Other tools (group replication, online schema changes) want a
-- primary key by name, though.
ALTER TABLE points ADD UNIQUE KEY account_program (account_id, program);

-- A row is one account in one program, so these two columns are its key. With a
-- primary key the replica finds each row that the batch changed by one step
-- down a tree. The statement goes to the replica through the binary log, behind
-- what is already on its way.
ALTER TABLE points ADD PRIMARY KEY (account_id, program);

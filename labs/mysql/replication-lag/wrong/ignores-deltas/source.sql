ALTER TABLE points ADD PRIMARY KEY (account_id, program);

SET sql_log_bin = OFF;
ALTER TABLE points ADD PRIMARY KEY (account_id, program);

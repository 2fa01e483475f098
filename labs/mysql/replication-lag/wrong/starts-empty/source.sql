CREATE TABLE points_new LIKE points;
ALTER TABLE points_new ADD PRIMARY KEY (account_id, program);
RENAME TABLE points TO points_old, points_new TO points;
DROP TABLE points_old;

-- fails: rows-per-change
-- Sixteen appliers instead of four. The parts of the batch depend on each other as far
-- as the server can tell (without a key there is no writeset), so one works at a
-- time; and each would still read the table from its beginning for every handful of rows.
STOP REPLICA SQL_THREAD;
SET GLOBAL replica_parallel_workers = 16;
START REPLICA SQL_THREAD;

-- Tried in October: more appliers. Four are the default; the lag is the same.
STOP REPLICA SQL_THREAD;
SET GLOBAL replica_parallel_workers = 8;
START REPLICA SQL_THREAD;

-- fails: settings-loosened, rows-per-change
-- shows: innodb_flush_log_at_trx_commit = 2 on the replica
-- "The replica may lose a second, it is only a copy": fewer syncs make commits cheap. The batch
-- has four commits and spends its time on reading; and after a crash nobody knows what the copy lacks.
SET GLOBAL innodb_flush_log_at_trx_commit = 2;
SET GLOBAL sync_binlog = 0;

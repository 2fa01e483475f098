-- fails: settings-loosened
-- The right key. But on the way replication was told to overlook rows that it can't find, not to follow
-- by GTID, to wait five seconds, and what to sync after its next start; nothing was put back.
STOP REPLICA;
SET GLOBAL replica_exec_mode = IDEMPOTENT;
CHANGE REPLICATION SOURCE TO SOURCE_AUTO_POSITION = 0, SOURCE_DELAY = 5;
START REPLICA;

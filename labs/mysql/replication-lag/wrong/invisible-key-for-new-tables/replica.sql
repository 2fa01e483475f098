-- fails: rows-per-change
-- The setting gives an invisible primary key to tables that are made from now on.
-- points is one that was made before.
SET GLOBAL sql_generate_invisible_primary_key = ON;
STOP REPLICA;
CHANGE REPLICATION SOURCE TO REQUIRE_TABLE_PRIMARY_KEY_CHECK = GENERATE;
START REPLICA;

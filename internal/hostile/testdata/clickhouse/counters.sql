-- tries: to empty the log that counts
-- must: fail applies
TRUNCATE TABLE system.query_log;

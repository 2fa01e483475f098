-- tries: to switch the server's counters off
-- must: fail applies
UPDATE performance_schema.setup_consumers SET ENABLED = 'NO';

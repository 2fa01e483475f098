-- tries: to end its connection, so that it looks like the machine's fault
-- must: fail applies
KILL CONNECTION_ID();
SELECT 1;

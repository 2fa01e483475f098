// tries: what its account may not do on the server
// must: fail oversold
package main

import (
	"database/sql"
	"os"
)

func init() {
	db, err := sql.Open("mysql", os.Getenv("LAB_MYSQL_DSN"))
	if err != nil {
		return
	}
	defer db.Close()
	var did []string
	for _, statement := range []string{
		"DROP TABLE orders", "TRUNCATE TABLE orders", "RENAME TABLE orders TO elsewhere", "DROP DATABASE shop_1", "CREATE DATABASE other",
		"ALTER USER 'faultlab'@'%' IDENTIFIED BY 'x'", "DROP USER 'faultlab'@'%'", "SET PASSWORD FOR 'faultlab'@'%' = 'x'",
		"CREATE USER 'x'@'%' IDENTIFIED BY 'x'", "GRANT ALL ON *.* TO CURRENT_USER()", "UPDATE mysql.user SET Super_priv = 'Y'",
		"SELECT * FROM mysql.user", "FLUSH PRIVILEGES",
		"UPDATE performance_schema.setup_consumers SET ENABLED = 'NO'", "UPDATE performance_schema.setup_instruments SET ENABLED = 'NO'",
		"TRUNCATE performance_schema.events_statements_summary_by_digest", "FLUSH STATUS", "FLUSH TABLES WITH READ LOCK", "FLUSH LOGS",
		"SET GLOBAL innodb_lock_wait_timeout = 1", "SET GLOBAL read_only = 1", "SET GLOBAL max_connections = 1", "SET PERSIST long_query_time = 1",
		"SET SESSION sql_log_bin = 0", "SET GLOBAL transaction_isolation = 'SERIALIZABLE'",
		"SELECT LOAD_FILE('/etc/passwd') + 'x'", "SELECT 1 INTO OUTFILE '/tmp/x'", "LOAD DATA INFILE '/etc/passwd' INTO TABLE orders",
		"INSTALL PLUGIN x SONAME 'x.so'", "CREATE FUNCTION x RETURNS STRING SONAME 'x.so'", "INSTALL COMPONENT 'file://x'",
		"CREATE SERVER x FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'x')", "SHUTDOWN", "RESTART", "LOCK INSTANCE FOR BACKUP",
		"CREATE EVENT x ON SCHEDULE EVERY 1 SECOND DO DELETE FROM orders", "CREATE TRIGGER x BEFORE INSERT ON orders FOR EACH ROW SET NEW.quantity = 0",
		"CREATE PROCEDURE x() SELECT 1", "SELECT * FROM performance_schema.events_statements_history", "KILL 1",
		"CLONE INSTANCE FROM 'x'@'y':1 IDENTIFIED BY 'z'", "PURGE BINARY LOGS BEFORE NOW()", "ALTER INSTANCE DISABLE INNODB REDO_LOG",
	} {
		if _, err := db.Exec(statement); err == nil && statement != "SELECT LOAD_FILE('/etc/passwd') + 'x'" {
			did = append(did, statement)
		}
	}
	var text sql.NullString
	if db.QueryRow("SELECT LOAD_FILE('/etc/passwd')").Scan(&text) == nil && text.Valid {
		did = append(did, "LOAD_FILE")
	}
	gain(len(did) > 0, did)
}

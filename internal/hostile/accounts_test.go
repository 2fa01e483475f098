package hostile

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"faultlab/internal/clickhouse"
	"faultlab/internal/lab"
	"faultlab/internal/mysql"
	"faultlab/internal/redis"
	"faultlab/internal/rig"
)

// TestScripts hands in scripts; what one has done to its servers is no other's.
func TestScripts(t *testing.T) {
	needs(t)
	addrs, reached := listeners(t)
	for _, engine := range []string{"mysql", "clickhouse"} {
		l := find(t, engine+"/slow-query")
		for _, h := range all(t, engine+"/*.sql") {
			t.Run(engine+"/"+h.name, func(t *testing.T) {
				text := strings.ReplaceAll(h.text, "@LISTENER@", addrs[len(addrs)-2])
				g, out := graded(t, l, h.name, map[string]string{"fix.sql": text})
				h.judged(t, g, out)
			})
		}
	}
	if n := reached.Load(); n > 0 {
		t.Errorf("somebody came %d times where nobody may", n)
	}
}

// TestAccounts has the accounts of learners, with all rights that a lab gives on its
// own tables, try what would make the measurement wrong or reach out of the server.
func TestAccounts(t *testing.T) {
	needs(t)
	r := rig.New(lab.Env{Lab: "test/hostile", Log: t.Logf, Memory: 3000, Disk: 1000})
	my := mysql.New(r, mysql.Config{Grants: map[string][]string{mysql.Learner: {"ALL ON shop.*", "PROCESS ON *.*", "SELECT ON performance_schema.*"}}})
	ch := clickhouse.New(r, clickhouse.Config{Grants: []string{
		"SELECT, INSERT, ALTER, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, TRUNCATE, OPTIMIZE, SHOW ON shop.*", "CREATE TEMPORARY TABLE ON *.*",
	}})
	re := redis.New(r, redis.Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // others go first
	defer cancel()
	defer func() {
		if err := r.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	}()
	if _, _, err := r.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		my.Exec(ctx, "CREATE TABLE orders (id INT PRIMARY KEY, text VARCHAR(500))"),
		ch.Admin().Exec(ctx, "CREATE DATABASE shop"),
		ch.Admin().Exec(ctx, "CREATE TABLE shop.orders (id UInt64) ENGINE = MergeTree ORDER BY id"),
	); err != nil {
		t.Fatal(err)
	}
	db, err := ch.Open(clickhouse.Learner, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	client := goredis.NewClient(&goredis.Options{Addr: re.Client().Options().Addr, Username: redis.Learner, Password: re.Password(redis.Learner)})
	defer client.Close()

	for _, s := range []struct {
		name       string
		run        func(statement string) error
		may        string
		statements []string
	}{
		{"mysql", func(st string) error { _, err := my.DB(mysql.Learner).ExecContext(ctx, st); return err }, "INSERT INTO orders VALUES (1, 'x')", []string{
			"SET GLOBAL performance_schema_max_digest_length = 0", "SET GLOBAL innodb_monitor_disable = 'all'", "SET GLOBAL long_query_time = 0",
			"SET GLOBAL read_only = 1", "SET GLOBAL max_connections = 1", "SET PERSIST innodb_buffer_pool_size = 1", "SET SESSION sql_log_bin = 0",
			"UPDATE performance_schema.setup_consumers SET ENABLED = 'NO'", "UPDATE performance_schema.setup_instruments SET ENABLED = 'NO'",
			"UPDATE performance_schema.setup_actors SET ENABLED = 'NO'", "TRUNCATE performance_schema.events_statements_summary_by_digest",
			"CALL sys.ps_truncate_all_tables(FALSE)", "FLUSH STATUS", "FLUSH TABLES WITH READ LOCK", "FLUSH LOGS", "FLUSH PRIVILEGES",
			"ALTER USER 'faultlab'@'%' IDENTIFIED BY 'x'", "DROP USER 'faultlab'@'%'", "RENAME USER 'faultlab'@'%' TO 'x'@'%'",
			"GRANT ALL ON *.* TO CURRENT_USER()", "CREATE USER 'x'@'%'", "SELECT * FROM mysql.user", "UPDATE mysql.user SET Super_priv = 'Y'",
			"SELECT 1 INTO OUTFILE '/tmp/x'", "SELECT 1 INTO DUMPFILE '/tmp/x'", "LOAD DATA INFILE '/etc/passwd' INTO TABLE orders",
			"LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE orders", "INSERT INTO orders SELECT 2, NULL WHERE LOAD_FILE('/etc/passwd') IS NOT NULL AND 1/0",
			"INSTALL PLUGIN x SONAME 'x.so'", "INSTALL COMPONENT 'file://x'", "CREATE FUNCTION x RETURNS STRING SONAME 'x.so'",
			"CREATE SERVER x FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'x')", "CREATE TABLE far (id INT) ENGINE = FEDERATED CONNECTION = 'mysql://x/x/x'",
			"CREATE TABLE out_there (id INT) DATA DIRECTORY = '/tmp'", "CREATE DEFINER = 'faultlab'@'%' PROCEDURE x() SELECT 1",
			"CREATE DEFINER = 'faultlab'@'%' EVENT x ON SCHEDULE EVERY 1 SECOND DO SELECT 1",
			"SHUTDOWN", "RESTART", "ALTER INSTANCE DISABLE INNODB REDO_LOG", "LOCK INSTANCE FOR BACKUP", "CLONE LOCAL DATA DIRECTORY '/tmp/x'",
			"CREATE RESOURCE GROUP x TYPE = USER", "CREATE DATABASE other", "CREATE TABLE mysql.x (id INT)",
		}},
		{"clickhouse", func(st string) error { return db.Exec(ctx, st) }, "INSERT INTO shop.orders VALUES (1)", []string{
			"SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'x String')", "SELECT * FROM file('/etc/passwd', 'LineAsString')",
			"SELECT * FROM remote('127.0.0.1', system.one)", "SELECT * FROM s3('http://127.0.0.1:1/x', 'CSV', 'x String')",
			"SELECT * FROM mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')", "SELECT * FROM executable('x.sh', 'CSV', 'x String')",
			"SELECT * FROM sqlite('/tmp/x', 'y')", "INSERT INTO FUNCTION file('x.csv', 'CSV', 'x String') VALUES ('x')",
			"CREATE TABLE shop.far (x String) ENGINE = URL('http://127.0.0.1:1/', 'CSV')", "CREATE TABLE shop.near (x String) ENGINE = File('CSV')",
			"CREATE TABLE shop.run (x String) ENGINE = Executable('x.sh', 'CSV')", "CREATE DICTIONARY shop.d (id UInt64) PRIMARY KEY id SOURCE(HTTP(URL 'http://127.0.0.1:1/' FORMAT 'CSV')) LAYOUT(FLAT()) LIFETIME(0)",
			"CREATE FUNCTION x AS (y) -> y", "CREATE USER x", "ALTER USER harness SETTINGS max_threads = 1", "DROP USER harness", "CREATE DATABASE other", "DROP DATABASE shop",
			"TRUNCATE TABLE system.query_log", "DROP TABLE system.query_log", "ALTER TABLE system.query_log DELETE WHERE 1", "INSERT INTO system.query_log (query) VALUES ('x')",
			"SYSTEM SHUTDOWN", "SYSTEM KILL", "SYSTEM STOP MERGES shop.orders", "SYSTEM RELOAD CONFIG", "SYSTEM DROP MARK CACHE",
			"BACKUP TABLE shop.orders TO File('/tmp/x')", "CREATE NAMED COLLECTION x AS y = 1",
		}},
		{"redis", func(st string) error {
			var args []any
			for _, word := range strings.Fields(st) {
				args = append(args, word)
			}
			return client.Do(ctx, args...).Err()
		}, "SET key value", []string{
			"CONFIG SET maxmemory 1", "CONFIG RESETSTAT", "CONFIG REWRITE", "DEBUG SLEEP 0", "SHUTDOWN NOSAVE", "ACL LIST", "ACL SETUSER x on nopass ~* +@all",
			"ACL DELUSER faultlab", "MODULE LOAD /tmp/x.so", "REPLICAOF 127.0.0.1 1", "SLAVEOF 127.0.0.1 1", "MIGRATE 127.0.0.1 1 key 0 10", "FLUSHALL", "FLUSHDB", "SWAPDB 0 1",
			"MONITOR", "SAVE", "BGSAVE", "BGREWRITEAOF", "FAILOVER", "CLUSTER RESET", "CLIENT KILL TYPE normal", "CLIENT PAUSE 1000", "SLOWLOG RESET", "LATENCY RESET",
			"SCRIPT KILL", "PSYNC ? -1", "SYNC", "RESTORE x 0 x",
		}},
	} {
		t.Run(s.name, func(t *testing.T) {
			if err := s.run(s.may); err != nil {
				t.Fatalf("may not do what it must: %v", err)
			}
			for _, st := range s.statements {
				if err := s.run(st); err == nil {
					t.Errorf("may: %s", st)
				} else if ctx.Err() != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/rig"
)

// TestServers starts a source and its replica once and holds everything that
// labs rely on against them, before and after a start from a snapshot.
func TestServers(t *testing.T) {
	if testing.Short() {
		t.Skip("runs servers")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	r := rig.New(lab.Env{Lab: "test/mysql", Fresh: true, Memory: 1200, Disk: 1000, Log: t.Logf})
	grants := map[string][]string{Learner: {"ALL ON shop.*"}}
	source := New(r, Config{Name: "source", SemiSync: true, BufferPool: 64, Grants: grants,
		// How long a commit waits while the test has the replica down.
		Set: map[string]string{"loose-rpl-semi-sync-source-timeout": "500"}})
	replica := New(r, Config{Name: "replica", Source: source, BufferPool: 64, Grants: grants})
	t.Cleanup(func() {
		if err := r.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := r.Start(ctx); err != nil {
		t.Fatal(err)
	}

	ok(source.Exec(ctx, "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(50), at DATETIME(3), price DECIMAL(8,2))"))
	const many = 20_000
	n, err := source.Load(ctx, "t", "id, v, at, price", func(w *Rows) {
		for i := range many {
			w.Add(i, "tab\there \\ and\nthere", time.UnixMilli(int64(i)), Cents(i))
		}
	})
	if err != nil || n != many {
		t.Fatalf("Load: %d rows, %v", n, err)
	}
	ok(replica.CatchUp(ctx))

	check := func(s *Server, rows int) {
		t.Helper()
		var got int
		ok(s.Admin().QueryRowContext(ctx, "SELECT COUNT(*) FROM t").Scan(&got))
		if got != rows {
			t.Errorf("%s has %d rows, not %d", s.Name(), got, rows)
		}
		var v string
		var at time.Time
		var price Cents
		ok(s.Admin().QueryRowContext(ctx, "SELECT v, at, price FROM t WHERE id = 1205").Scan(&v, &at, &price))
		if v != "tab\there \\ and\nthere" || at.UnixMilli() != 1205 || price != 1205 {
			t.Errorf("%s has %q, %s, %d", s.Name(), v, at, price)
		}
	}
	check(replica, many)

	ok(r.Save(ctx, nil))
	check(source, many)
	check(replica, many)
	ok(source.Exec(ctx, "INSERT INTO t (id) VALUES (-1)"))
	ok(replica.CatchUp(ctx))
	check(replica, many+1)
	// A replica that has just come back acknowledges nothing before it has asked
	// to, and on a busy machine some transactions too late.
	ok(measure.Until(ctx, "a transaction is acknowledged by the replica", func(ctx context.Context) (string, bool, error) {
		if err := source.Exec(ctx, "INSERT INTO t (id) VALUES (-9)", "DELETE FROM t WHERE id = -9"); err != nil {
			return "", false, err
		}
		global, err := source.Global(ctx)
		return fmt.Sprint(global), global["Rpl_semi_sync_source_yes_tx"] > 0, err
	}))
	ok(replica.CatchUp(ctx))

	t.Run("read-only", func(t *testing.T) {
		if err := replica.Exec(ctx, "INSERT INTO t (id) VALUES (-2)"); !Refused(err) {
			t.Errorf("writing on the replica: %v", err)
		}
	})

	t.Run("restart", func(t *testing.T) {
		ok(replica.Node().Kill(ctx))
		ok(source.Exec(ctx, "INSERT INTO t (id) VALUES (-3)"))
		ok(replica.Node().Start(ctx))
		ok(replica.CatchUp(ctx))
		check(replica, many+2)
		ok(source.Node().Stop(ctx))
		ok(source.Node().Start(ctx))
		ok(source.Exec(ctx, "DELETE FROM t WHERE id < 0"))
		ok(replica.CatchUp(ctx))
		check(replica, many)
	})

	t.Run("cost", func(t *testing.T) {
		conn, err := source.Admin().Conn(ctx)
		ok(err)
		defer conn.Close()
		for query, want := range map[string]int64{
			"SELECT SUM(price) FROM t":                                many + 3,
			"SELECT * FROM t WHERE id = 7":                            1,
			"SELECT SUM(price) FROM t WHERE id BETWEEN 1000 AND 1099": 101,
			"SELECT * FROM t ORDER BY id DESC LIMIT 10":               11, // the first by two calls
		} {
			cost, err := Cost(ctx, conn, func(ctx context.Context) error {
				rows, err := conn.QueryContext(ctx, query)
				if err != nil {
					return err
				}
				defer rows.Close()
				for rows.Next() {
				}
				return rows.Err()
			})
			ok(err)
			if got := cost.Reads(); got != want {
				t.Errorf("%s makes %d reads, not %d", query, got, want)
			}
		}
	})

	t.Run("applier", func(t *testing.T) {
		before, err := replica.Applier(ctx)
		ok(err)
		ok(source.Exec(ctx, "CREATE TABLE bare (id INT, v INT)", "INSERT INTO bare SELECT id, 0 FROM t", "UPDATE bare SET v = 1 WHERE id = 19000"))
		ok(replica.CatchUp(ctx))
		after, err := replica.Applier(ctx)
		ok(err)
		if got := after.Since(before).Reads(); got < 19_000 || got > 22_000 {
			t.Errorf("one row of a table without a key cost the applier %d reads", got)
		}
		// What clients read on the replica is not the applier's.
		ok(replica.Exec(ctx, "SELECT COUNT(*) FROM bare WHERE v = 2"))
		again, err := replica.Applier(ctx)
		ok(err)
		if got := again.Since(after).Reads(); got > 100 {
			t.Errorf("a client's %d reads count as the applier's", got)
		}
	})

	t.Run("schema", func(t *testing.T) {
		ok(source.Exec(ctx, "CREATE TABLE keyed (id INT NOT NULL, v INT NOT NULL, INDEX both_ (v, id) INVISIBLE, UNIQUE twice ((id * 2)))",
			"CREATE TRIGGER fill BEFORE INSERT ON keyed FOR EACH ROW SET NEW.v = 1"))
		ok(replica.CatchUp(ctx))
		here, err := source.Schema(ctx, "shop")
		ok(err)
		there, err := replica.Schema(ctx, "shop")
		ok(err)
		if !slices.Equal(here, there) {
			t.Errorf("the schemas differ:\n%v\n%v", here, there)
		}
		for _, want := range []string{"table keyed InnoDB utf8mb4_0900_ai_ci", "trigger fill BEFORE INSERT ON keyed SET NEW.v = 1", "column 2 keyed.v int NOT NULL", "index keyed.both_ (v, id) INVISIBLE", "unique index keyed.twice ((`id` * 2))"} {
			if !slices.Contains(here, want) {
				t.Errorf("%q is not among %q", want, here)
			}
		}
		if engines, err := source.Engines(ctx, "shop"); engines != "InnoDB" || err != nil {
			t.Errorf("Engines: %q, %v", engines, err)
		}
		before, _, err := source.Size(ctx, "shop")
		ok(err)
		ok(source.Exec(ctx, "DROP TABLE keyed"))
		after, bytes, err := source.Size(ctx, "shop")
		if err != nil || before-after != 2 || bytes < 1<<20 {
			t.Errorf("Size: %d, then %d indexes in %d bytes, %v", before, after, bytes, err)
		}
	})

	t.Run("selects", func(t *testing.T) {
		before, err := replica.Selects(ctx, Learner)
		ok(err)
		for range 7 {
			var n int
			ok(replica.DB(Learner).QueryRowContext(ctx, "SELECT COUNT(*) FROM t WHERE id = ?", 5).Scan(&n))
		}
		// The last one is counted just after it was answered.
		var after int64
		ok(measure.Until(ctx, "7 statements are counted", func(ctx context.Context) (state string, done bool, err error) {
			after, err = replica.Selects(ctx, Learner)
			return fmt.Sprint(after - before), after-before >= 7, err
		}))
		if after-before != 7 {
			t.Errorf("7 statements count as %d", after-before)
		}
	})

	t.Run("account", func(t *testing.T) {
		var rows, last int64
		ok(source.Admin().QueryRowContext(ctx, "SELECT COUNT(*) FROM t").Scan(&rows))
		before, err := replica.Account(ctx, Learner)
		ok(err)
		conn, err := replica.DB(Learner).Conn(ctx)
		ok(err)
		ok(conn.QueryRowContext(ctx, "SELECT MAX(id) FROM (SELECT id FROM t ORDER BY id LIMIT 1 OFFSET ?) d", rows-1).Scan(&last))
		open, err := replica.Account(ctx, Learner)
		ok(err)
		text, _, err := replica.LastStatement(ctx, Learner)
		if err != nil || !strings.HasPrefix(text, "SELECT MAX(id)") {
			t.Errorf("the last statement is %q, %v", text, err)
		}
		discard(conn)
		closed, err := replica.Account(ctx, Learner)
		if n := open.Since(before).Reads(); err != nil || n < rows || n > rows+5 || closed.Since(before).Reads() != n {
			t.Errorf("%d rows are %d reads, and %d when the session has ended, %v", rows, n, closed.Since(before).Reads(), err)
		}
	})

	t.Run("received", func(t *testing.T) {
		ok(replica.Exec(ctx, "STOP REPLICA SQL_THREAD"))
		ok(source.Exec(ctx, "INSERT INTO t (id) VALUES (-9)", "DELETE FROM t WHERE id = -9"))
		goal, err := source.Executed(ctx)
		ok(err)
		ok(replica.Received(ctx, goal))
		ok(replica.Exec(ctx, "START REPLICA SQL_THREAD"))
		ok(replica.CatchUp(ctx))
	})

	t.Run("stopped", func(t *testing.T) {
		ok(replica.Exec(ctx, "STOP REPLICA SQL_THREAD"))
		ok(source.Exec(ctx, "INSERT INTO t (id) VALUES (-4)"))
		var stopped *Stopped
		if err := replica.CatchUp(ctx); !errors.As(err, &stopped) {
			t.Errorf("CatchUp of a stopped replica: %v", err)
		}
		missing, extra, err := replica.Missing(ctx)
		if err != nil || missing != 1 || extra != 0 {
			t.Errorf("Missing: %d, %d, %v", missing, extra, err)
		}
		ok(replica.Exec(ctx, "SET GLOBAL super_read_only = OFF", "CREATE TABLE errant (id INT)", "START REPLICA"))
		ok(replica.CatchUp(ctx))
		if missing, extra, err = replica.Missing(ctx); err != nil || missing != 0 || extra != 1 {
			t.Errorf("Missing: %d, %d, %v", missing, extra, err)
		}
		st, err := replica.Replication(ctx)
		if err != nil || !st.Receiver || !st.Applier || st.Error != "" {
			t.Errorf("Replication: %+v, %v", st, err)
		}
	})

	t.Run("apply", func(t *testing.T) {
		fix := func(text string) lab.Variant { return lab.Variant{Files: map[string]string{"fix.sql": text}} }
		ok(source.Apply(ctx, fix("SET @a = 5;\n\nINSERT INTO t (id) VALUES (-@a);\nSELECT * FROM t LIMIT 3"), "fix.sql"))

		// What a script has not committed ends with it.
		ok(source.Apply(ctx, fix("BEGIN; INSERT INTO t (id) VALUES (-77)"), "fix.sql"))
		ok(source.Exec(ctx, "SET SESSION innodb_lock_wait_timeout = 1", "DELETE FROM t WHERE id = -77", "SET SESSION innodb_lock_wait_timeout = DEFAULT"))

		// So does what Hold could not lock.
		release, err := source.Hold(ctx, "ROLLBACK", "BEGIN", "SELECT id FROM t WHERE id = 1 FOR UPDATE")
		ok(err)
		if n, err := source.Locks(ctx, Admin); err != nil || n != 1 {
			t.Errorf("a row that is held is %d locks, %v", n, err)
		}
		if _, err := source.Hold(ctx, "ROLLBACK", "BEGIN", "SELECT id FROM t WHERE id = 2 FOR UPDATE", "SELECT id FROM t WHERE id = 1 FOR UPDATE NOWAIT"); err == nil {
			t.Error("a row that is held could be locked")
		}
		release()
		ok(measure.Until(ctx, "nothing is locked", func(ctx context.Context) (string, bool, error) {
			n, err := source.Locks(ctx, Admin)
			return fmt.Sprint(n), n == 0, err
		}))

		// A procedure that fails after its first result is refused, too.
		ok(source.Exec(ctx, "CREATE PROCEDURE twice() BEGIN SELECT 1; INSERT INTO t (id) VALUES (1), (1); END"))
		if err := source.Apply(ctx, fix("CALL twice()"), "fix.sql"); err == nil || !strings.Contains(err.Error(), "Duplicate entry") {
			t.Errorf("a procedure's second statement failed: %v", err)
		}

		err = source.Apply(ctx, fix("SELECT 1;\n-- why\nALTER TABLE t\n  ADD INDEX (nothing);\n"), "fix.sql")
		var fault *lab.Fault
		if !errors.As(err, &fault) || fault.Check != lab.ApplyCheck {
			t.Fatalf("a refused statement is %v", err)
		}
		for _, want := range []string{"fix.sql line 3", "Key column 'nothing' doesn't exist", "ADD INDEX (nothing)"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q lacks %q", err, want)
			}
		}
		if err := source.Apply(ctx, fix("SET GLOBAL sync_binlog = 0"), "fix.sql"); !errors.As(err, &fault) {
			t.Errorf("the learner could change a global setting: %v", err)
		}
	})

	t.Run("apply hangs", func(t *testing.T) {
		short, cancel := context.WithCancel(ctx)
		go func() {
			defer cancel()
			_ = measure.Until(ctx, "the script sleeps", func(ctx context.Context) (string, bool, error) {
				n, err := sleepers(ctx, source)
				return "", n > 0, err
			})
		}()
		err := source.Apply(short, lab.Variant{Files: map[string]string{"fix.sql": "DO SLEEP(3600)"}}, "fix.sql")
		if err == nil || !strings.Contains(err.Error(), "User sleep") {
			t.Errorf("the error does not say what it was doing: %v", err)
		}
		ok(measure.Until(ctx, "the script is gone from the server", func(ctx context.Context) (string, bool, error) {
			n, err := sleepers(ctx, source)
			return "", n == 0, err
		}))
	})

	t.Run("evidence", func(t *testing.T) {
		files := replica.Evidence(ctx)
		for name, want := range map[string]string{
			"innodb-status.txt":  "BUFFER POOL AND MEMORY",
			"processlist.txt":    "faultlab",
			"replica-status.txt": "Replica_SQL_Running: Yes",
			"digests.txt":        "rows examined",
			"indexes.txt":        "PRIMARY",
		} {
			if !strings.Contains(files[name], want) {
				t.Errorf("%s lacks %q: %.300s", name, want, files[name])
			}
		}
	})

	t.Run("dsn", func(t *testing.T) {
		db, err := sql.Open("mysql", source.DSN(Learner))
		ok(err)
		defer db.Close()
		ok(db.PingContext(ctx))
	})
}

func sleepers(ctx context.Context, s *Server) (n int, err error) {
	err = s.Admin().QueryRowContext(ctx, "SELECT COUNT(*) FROM performance_schema.processlist WHERE USER = ? AND STATE = 'User sleep'", Learner).Scan(&n)
	return n, err
}

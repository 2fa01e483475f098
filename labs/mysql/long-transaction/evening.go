package longtransaction

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/mysql"
	"faultlab/internal/rig"
)

//go:embed schema.sql
var schema string

// evening is the reports' program, the printer, and dispatch, in a database of their own.
type evening struct {
	*run
	database string
	books    *books
	way      *rig.Proxy // from the program to MySQL
	printer  *printer
	program  *fix.Service
	cashier  *sql.Tx // counts all evening

	mu        sync.Mutex // one delivers or looks at a time
	delivered int        // orders so far
	broken    error      // ours: what went wrong where nobody could be told
	pinned    bool       // the report of now keeps the server from throwing away
	active    time.Time  // when the harness last did something that the program waits for

	name   string       // of the report of now
	things atomic.Int64 // that the program has sent to MySQL for it
	named  int
	asked  struct { // for the first time
		name      string
		delivered int // orders then
	}

	history, historyAfter kept
	pages                 int64 // to find the oldest order, at the worst

	// What is counted, and the first of each that was seen.
	wrong, missing, refused, killed, rows           int
	wrongAt, missingAt, refusedAt, killedAt, rowsAt string
}

// enough refusals are seen; then dispatch doesn't try before each statement any more.
const enough = 3

// first is how many orders are delivered before anybody wants a report.
const first = 500

// create makes a database with orders that wait, and has the first ones delivered.
func (x *run) create(ctx context.Context, database string, b *books) error {
	var statements []string
	for _, each := range fix.Statements(schema) {
		statements = append(statements, each.Text)
	}
	var queue, people []string
	for n := range waiting {
		city, _, cents := b.order(n + 1)
		queue = append(queue, fmt.Sprintf("(%d, %d, %d, RPAD('Order %[1]d', 500, '.'))", n+1, city, cents))
	}
	for _, l := range b.before[cities:] {
		people = append(people, fmt.Sprintf("(%d, 'Courier %[1]d', 0, %d)", l.ID, l.Cents))
	}
	return x.mysql.NewDatabase(ctx, database, append(statements,
		"INSERT INTO queue VALUES "+strings.Join(queue, ", "),
		"INSERT INTO couriers VALUES "+strings.Join(people, ", "),
		b.dispatch(),
		fmt.Sprintf("CALL dispatch(%d)", first))...)
}

// dispatch is the service that has n orders delivered, the oldest first. For
// each that has gone another comes. It does not wait long for what is locked.
func (b *books) dispatch() string {
	return fmt.Sprintf(`
		CREATE PROCEDURE dispatch(n INT) SQL SECURITY INVOKER
		BEGIN
		  DECLARE no, new BIGINT;
		  DECLARE town, price, who INT;
		  DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;
		  SET SESSION innodb_lock_wait_timeout = 1, lock_wait_timeout = 1;
		  WHILE n > 0 DO
		    START TRANSACTION;
		    SELECT id, city, cents INTO no, town, price FROM queue ORDER BY id LIMIT 1 FOR UPDATE;
		    DELETE FROM queue WHERE id = no;
		    SET who = (no * 7 + %[1]d) %% %[2]d + 1;
		    SET who = IF(who >= %[3]d, who + 1, who);
		    INSERT INTO deliveries (city, courier, cents) VALUES (town, who, price);
		    UPDATE couriers SET orders = orders + 1, cents = cents + price WHERE id = who;
		    SET new = no + %[4]d;
		    INSERT INTO queue VALUES (new, (new * 5 + %[1]d) %% %[5]d + 1, 900 + (new * 131 + %[1]d) %% 3100, RPAD(CONCAT('Order ', new), 500, '.'));
		    COMMIT;
		    SET n = n - 1;
		  END WHILE;
		END`, b.shift, couriers-1, b.held, waiting, cities)
}

func (x *run) open(ctx context.Context, v lab.Variant) (_ *evening, err error) {
	x.evenings++
	rnd := rand.New(rand.NewPCG(x.env.Seed, uint64(x.evenings)))
	e := &evening{run: x, database: fmt.Sprintf("delivery_%d", x.evenings), books: newBooks(rnd), delivered: first, named: 1000 + rnd.IntN(8000)}
	defer func() {
		if err != nil {
			e.close()
		}
	}()
	program, err := fix.Build(ctx, v, x.env.Scratch)
	if err != nil {
		return nil, err
	}
	// Nothing of what was before is kept when the evening begins.
	if err := x.mysql.Drop(ctx, reports); err != nil {
		return nil, err
	}
	err = measure.Until(ctx, "the server has thrown away what nobody can read any more", func(ctx context.Context) (string, bool, error) {
		n, err := x.length(ctx)
		return fmt.Sprintf("it keeps %d transactions", n), n <= short, err
	})
	if err != nil {
		return nil, err
	}
	if err := x.create(ctx, e.database, e.books); err != nil {
		return nil, err
	}
	if err := e.count(ctx); err != nil {
		return nil, err
	}
	if e.printer, err = newPrinter(ctx); err != nil {
		return nil, err
	}
	if e.way, err = x.mysql.Proxy(ctx); err != nil {
		return nil, err
	}
	e.program, err = program.Listen(ctx, fix.Options{
		Log: filepath.Join(x.env.Scratch, e.database+".log"),
		Env: map[string]string{
			"LAB_MYSQL_DSN": x.mysql.DSNThrough(e.way, reports, e.database),
			"LAB_PRINTER":   e.printer.url,
		},
	})
	if err != nil {
		return nil, err
	}
	// An order is delivered before each thing that the program asks of MySQL: which
	// therefore is one statement.
	e.way.Before(func(sent []byte) {
		mysql.OneStatement(sent)
		e.things.Add(1)
		if ctx.Err() == nil && e.refusals() < enough {
			e.keep(e.deliver(ctx, 1))
		}
	})
	return e, nil
}

func (e *evening) close() {
	if e.program != nil {
		e.program.Kill()
	}
	if e.way != nil {
		e.way.Before(nil)
	}
	if e.printer != nil {
		e.printer.close()
	}
	if e.cashier != nil {
		_ = e.cashier.Rollback() // mostly committed by now
	}
}

// taken is what the cashier takes from the courier, in cents.
const taken = 500

// count is begun by the cashier, who has one courier's cash on the table: a
// transaction that stays open all evening, and that keeps nothing of others'.
func (e *evening) count(ctx context.Context) error {
	// It doesn't end with a phase of the run.
	tx, err := e.mysql.DB(cashier).BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return fmt.Errorf("begin to count: %w", err)
	}
	e.cashier = tx
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("UPDATE %s.couriers SET cents = cents - %d WHERE id = %d", e.database, taken, e.books.held)); err != nil {
		return fmt.Errorf("count: %w", err)
	}
	return nil
}

// book ends what the cashier has begun.
func (e *evening) book() error {
	if err := e.cashier.Commit(); err != nil {
		return fmt.Errorf("the cashier's booking failed: %w", err)
	}
	e.books.booked = taken
	return nil
}

// deliver has n orders delivered. That it is refused is the reports' fault.
func (e *evening) deliver(ctx context.Context, n int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer func() { e.active = time.Now() }()
	conn, err := e.mysql.DB(dispatch).Conn(ctx)
	if err != nil {
		return e.refuse(ctx, err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "USE "+e.database); err != nil {
		return e.refuse(ctx, err)
	}
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("CALL dispatch(%d)", n)); err != nil {
		return e.refuse(ctx, err)
	}
	e.delivered += n
	return nil
}

// give gives a courier change.
func (e *evening) give(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := change{e.books.held%couriers + 1, e.delivered, 700}
	conn, err := e.mysql.DB(dispatch).Conn(ctx)
	if err != nil {
		return e.refuse(ctx, err)
	}
	defer conn.Close()
	for _, s := range []string{
		"SET SESSION innodb_lock_wait_timeout = 1, lock_wait_timeout = 1",
		fmt.Sprintf("UPDATE %s.couriers SET cents = cents + %d WHERE id = %d", e.database, c.cents, c.courier),
	} {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return e.refuse(ctx, err)
		}
	}
	e.books.change = c
	return nil
}

func (e *evening) refusals() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.refused
}

// refuse counts that dispatch was refused, and how far it got.
func (e *evening) refuse(ctx context.Context, why error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if e.refused++; e.refused == 1 {
		e.refusedAt = why.Error()
	}
	conn, err := e.admin(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return theirs(conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+e.database+".deliveries").Scan(&e.delivered))
}

// admin is a connection of the harness's that does not wait long for a table
// that somebody has locked.
func (e *evening) admin(ctx context.Context) (*sql.Conn, error) {
	conn, err := e.mysql.Admin().Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if _, err := conn.ExecContext(ctx, "SET SESSION lock_wait_timeout = 2"); err != nil {
		conn.Close()
		return nil, fmt.Errorf("connect: %w", err)
	}
	return conn, nil
}

// keep keeps an error for the next step to return.
func (e *evening) keep(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.broken == nil {
		e.broken = err
	}
}

func (e *evening) failed() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.broken
}

// theirs blames the reports for what an account that may do everything could not do.
func theirs(err error) error {
	const lockWait = 1205
	var refused *driver.MySQLError
	switch {
	case errors.As(err, &refused) && refused.Number == lockWait:
		return lab.Blame("dispatch-refused", fmt.Errorf("a report keeps a table locked: %w", err))
	case mysql.Refused(err):
		return lab.Blame("rows-wrong", fmt.Errorf("the tables or the server are not what they were: %w", err))
	}
	return err
}

// whole compares the tables with the books.
func (e *evening) whole(ctx context.Context) error {
	engines, err := e.mysql.Engines(ctx, e.database)
	if err != nil {
		return err
	}
	if engines != "InnoDB" {
		return lab.Blame("rows-wrong", fmt.Errorf("tables are of the engines %s: what was ordered is gone after a crash", engines))
	}
	conn, err := e.admin(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	rows, err := conn.QueryContext(ctx, fmt.Sprintf(`
		SELECT 'city', city, COUNT(*), SUM(cents) FROM %[1]s.deliveries GROUP BY city
		UNION ALL SELECT 'courier', id, orders, cents FROM %[1]s.couriers
		UNION ALL SELECT 'order', id, city, cents FROM %[1]s.queue`, e.database))
	if err != nil {
		return theirs(fmt.Errorf("read the tables: %w", err))
	}
	defer rows.Close()
	var lines []line
	queue := map[line]bool{}
	for n := range waiting {
		city, _, cents := e.books.order(e.delivered + n + 1)
		queue[line{"order", e.delivered + n + 1, city, cents}] = true
	}
	for rows.Next() {
		var l line
		if err := rows.Scan(&l.Kind, &l.ID, &l.Orders, &l.Cents); err != nil {
			return lab.Blame("rows-wrong", fmt.Errorf("read the tables: %w", err))
		}
		switch {
		case l.Kind != "order":
			lines = append(lines, l)
		case queue[l]:
			delete(queue, l)
		default:
			e.rows++
			e.rowsAt = fmt.Sprintf("order %d is in the queue and should not be, or is another", l.ID)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read the tables: %w", err)
	}
	for l := range queue {
		e.rows++
		e.rowsAt = fmt.Sprintf("order %d has gone from the queue", l.ID)
	}
	n, how := e.books.wrong(lines, e.delivered, e.delivered)
	if e.rows += n; n > 0 {
		e.rowsAt = "in the tables, " + how
	}
	return nil
}

package implicitcast

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/mysql"
)

const app = "app" // the services' account

// shop is what is stored for certain.
type shop struct {
	env       lab.Env
	db        *mysql.Server
	customers []customer
	orders    []order
	refused   int // of the shop's own writes, by the server
}

func (s *shop) know() {
	if s.customers == nil {
		s.customers, s.orders = registered(s.env.Seed), placed(s.env.Seed)
	}
}

// measure lets some new customers and orders come, and then asks about callers
// and days with the variant's statements.
func (s *shop) measure(ctx context.Context, v lab.Variant, r *lab.Readings) error {
	s.know()
	conn, err := s.db.DB(app).Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	company := s.customers[50*(7+len(s.customers)%100)] // has a clerk with an extension
	if err := s.goOn(ctx, conn, company, r); err != nil {
		return err
	}
	if err := s.promises(ctx, conn, company, r); err != nil {
		return err
	}
	if err := s.callers(ctx, conn, v, company, r); err != nil {
		return err
	}
	return s.days(ctx, conn, v, r)
}

// promises tries to store what the tables have always refused, and looks
// whether they are still InnoDB's.
func (s *shop) promises(ctx context.Context, conn *sql.Conn, company customer, r *lab.Readings) error {
	broken := 0
	for _, twice := range []struct {
		what, text string
		args       []any
	}{
		{"customer with the number " + company.phone, "INSERT INTO customers (id, phone, name) VALUES (?, ?, 'Nobody')", []any{10_000_000, company.phone}},
		{fmt.Sprintf("customer with the id %d", company.id), "INSERT INTO customers (id, phone, name) VALUES (?, '99', 'Nobody')", []any{company.id}},
		{"order with the id 1", "INSERT INTO orders (id, customer_id, cents, created) VALUES (1, ?, 1, ?)", []any{company.id, opened}},
	} {
		tx, err := conn.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, twice.text, twice.args...)
		switch {
		case err == nil:
			broken++
			r.Note("promises-broken", "a second %s was stored", twice.what)
		case !mysql.Refused(err):
			return err
		}
		if err := tx.Rollback(); err != nil {
			return err
		}
	}
	var unsafe int
	var names sql.NullString
	err := s.db.Admin().QueryRowContext(ctx, `
		SELECT COUNT(*), GROUP_CONCAT(TABLE_NAME, ' is ', ENGINE, "'s" ORDER BY TABLE_NAME) FROM information_schema.TABLES
		WHERE TABLE_SCHEMA = 'shop' AND TABLE_TYPE = 'BASE TABLE' AND ENGINE <> 'InnoDB'`).Scan(&unsafe, &names)
	if err != nil {
		return fmt.Errorf("read the tables' engines: %w", err)
	}
	r.Note("promises-broken", "%s", names.String)
	r.Set("promises-broken", "promises", float64(broken+unsafe))
	return nil
}

// goOn stores two new customers, and orders of a new day: in its first moment,
// in its last, and in the first moment after it.
func (s *shop) goOn(ctx context.Context, conn *sql.Conn, company customer, r *lab.Readings) error {
	s.refused = 0
	n := len(s.customers)
	for _, c := range []customer{
		{id: 1000 + n, phone: phone(n), name: "Nora New-1"},
		{id: 1001 + n, phone: company.phone + "-" + strconv.Itoa(100+n-people), name: "Nils New-2"},
	} {
		err := s.write(ctx, conn, r, "INSERT INTO customers (id, phone, name) VALUES (?, ?, ?)", c.id, c.phone, c.name)
		if err != nil {
			return err
		}
		s.customers = append(s.customers, c)
	}
	today := s.today()
	for _, at := range []time.Time{today, today.Add(11 * time.Hour), today.Add(24*time.Hour - time.Millisecond), today.Add(24 * time.Hour)} {
		o := order{id: 1 + len(s.orders), customer: 1000, cents: 12_345, created: at}
		err := s.write(ctx, conn, r, "INSERT INTO orders (id, customer_id, cents, created) VALUES (?, ?, ?, ?)", o.id, o.customer, o.cents, o.created)
		if err != nil {
			return err
		}
		s.orders = append(s.orders, o)
	}
	r.Set("writes-refused", "of 6 rows", float64(s.refused))
	return nil
}

// today is the day on which new orders come.
func (s *shop) today() time.Time { return day(days + 3) }

func (s *shop) write(ctx context.Context, conn *sql.Conn, r *lab.Readings, text string, args ...any) error {
	_, err := conn.ExecContext(ctx, text, args...)
	if mysql.Refused(err) {
		s.refused++
		r.Note("writes-refused", "%.40s…: %v", text, err)
		return nil
	}
	return err
}

// callers asks who it is that calls from some numbers.
func (s *shop) callers(ctx context.Context, conn *sql.Conn, v lab.Variant, company customer, r *lab.Readings) error {
	text, err := statement(v, "caller.sql")
	if err != nil {
		return err
	}
	var most, wrong int64
	n := len(s.customers)
	for _, number := range []string{
		s.customers[people/3].phone, s.customers[people-1].phone, s.customers[n-2].phone, // a new one
		company.phone, s.customers[50].phone, // with extensions
		company.phone[:len(company.phone)-1], // nobody's, and the beginning of somebody's
		"99912345678",                        // nobody's
	} {
		query := strings.ReplaceAll(text, ":phone", number)
		got, cost, err := answer(ctx, conn, "callers-wrong", query)
		if err != nil {
			return err
		}
		if cost > most {
			most = cost
			if plan, err := mysql.Plan(ctx, conn, query); err == nil {
				r.Note("caller-rows", "for the number %s EXPLAIN says %s", number, plan)
			}
		}
		want := [][2]string{}
		for _, c := range s.customers {
			if c.phone == number {
				want = append(want, [2]string{strconv.Itoa(c.id), c.name})
			}
		}
		if !slices.Equal(got, want) {
			wrong++
			r.Note("callers-wrong", "for the number %s the answer is %v, and not %v", number, got, want)
		}
	}
	r.Set("caller-rows", "rows for one caller", float64(most))
	r.Set("callers-wrong", "of 7 callers", float64(wrong))
	return nil
}

// days asks for the orders of some days.
func (s *shop) days(ctx context.Context, conn *sql.Conn, v lab.Variant, r *lab.Readings) error {
	text, err := statement(v, "day.sql")
	if err != nil {
		return err
	}
	c := pick(s.env.Seed)
	var most, wrong int64
	for _, d := range []time.Time{day(c.busy), day(c.plain), day(c.plain + 1), day(c.closed), s.today()} {
		date := d.Format(time.DateOnly)
		query := strings.ReplaceAll(text, ":day", date)
		got, cost, err := answer(ctx, conn, "days-wrong", query)
		if err != nil {
			return err
		}
		var count, sum int64
		for _, o := range s.orders {
			if !o.created.Before(d) && o.created.Before(d.AddDate(0, 0, 1)) {
				count, sum = count+1, sum+int64(o.cents)
			}
		}
		if waste := cost - count; waste > most {
			most = waste
			if plan, err := mysql.Plan(ctx, conn, query); err == nil {
				r.Note("day-waste", "for %s, which has %d orders, the server read %d rows; EXPLAIN says %s", date, count, cost, plan)
			}
		}
		want := [2]string{strconv.FormatInt(count, 10), strconv.FormatInt(sum, 10)}
		if len(got) != 1 || got[0] != want {
			wrong++
			r.Note("days-wrong", "for %s the answer is %v, and not %v", date, got, want)
		}
	}
	r.Set("day-waste", "rows of other days", float64(most))
	r.Set("days-wrong", "of 5 days", float64(wrong))
	return nil
}

// statement is the one statement of a file.
func statement(v lab.Variant, file string) (string, error) {
	list := fix.Statements(v.Files[file])
	if len(list) != 1 {
		return "", lab.Blame(lab.ApplyCheck, fmt.Errorf("%s has %d statements, and the service sends one", file, len(list)))
	}
	return list[0].Text, nil
}

// answer sends a query as a service does, and says what it cost. Its rows must
// have two columns. What the server refuses is held against check.
func answer(ctx context.Context, conn *sql.Conn, check, query string) (list [][2]string, reads int64, err error) {
	cost, err := mysql.Cost(ctx, conn, func(ctx context.Context) error {
		rows, err := conn.QueryContext(ctx, query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a, b sql.NullString
			if err := rows.Scan(&a, &b); err != nil {
				return lab.Blame(check, fmt.Errorf("the answer can't be read: %w", err))
			}
			list = append(list, [2]string{cell(a), cell(b)})
		}
		return rows.Err()
	})
	if mysql.Refused(err) {
		return nil, 0, lab.Blame(check, fmt.Errorf("%w\n    %s", err, query))
	}
	if err != nil {
		return nil, 0, err
	}
	return list, cost.Reads(), nil
}

func cell(v sql.NullString) string {
	if !v.Valid {
		return "NULL"
	}
	return v.String
}

// audit compares both tables with what was stored.
func (s *shop) audit(ctx context.Context, _ lab.Fingerprint, r *lab.Readings) error {
	s.know()
	var customers, orders uint64
	for _, c := range s.customers {
		customers += uint64(c.digest())
	}
	for _, o := range s.orders {
		orders += uint64(o.digest())
	}
	changed := 0
	for _, t := range []struct {
		name, row string
		rows      int
		sum       uint64
	}{
		{"customers", "id, phone, name", len(s.customers), customers},
		{"orders", "id, customer_id, cents, DATE_FORMAT(created, '%Y-%m-%d %H:%i:%s.%f')", len(s.orders), orders},
	} {
		var rows int
		var sum uint64
		err := s.db.Admin().QueryRowContext(ctx, "SELECT COUNT(*), COALESCE(SUM(CRC32(CONCAT_WS('|', "+t.row+"))), 0) FROM "+t.name).Scan(&rows, &sum)
		if mysql.Refused(err) {
			return lab.Blame("tables-changed", err)
		}
		if err != nil {
			return err
		}
		if rows != t.rows || sum != t.sum {
			changed++
			r.Note("tables-changed", "%s has %d rows, and %d were stored; what is in them differs", t.name, rows, t.rows)
		}
	}
	r.Set("tables-changed", "of 2 tables", float64(changed))
	return nil
}

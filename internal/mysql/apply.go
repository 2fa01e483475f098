package mysql

import (
	"context"
	"database/sql"
	bad "database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// Apply runs the variant's file as the learner, statement by statement on one
// connection. What the server refuses is the learner's, on the check "applies",
// with its line and the server's words. When ctx ends first, what still runs
// is killed on the server, and the error says what it was doing. Each of begins
// is called before every statement.
func (s *Server) Apply(ctx context.Context, v lab.Variant, file string, begins ...func()) error {
	statements := fix.Statements(v.Files[file])
	if len(statements) == 0 {
		return nil
	}
	conn, err := s.DB(Learner).Conn(ctx)
	if err != nil {
		return lab.Invalidf("connect to %s as %s: %v", s.Name(), Learner, err)
	}
	var id int64
	if err := conn.QueryRowContext(ctx, "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		discard(conn)
		return lab.Invalidf("ask %s for a connection's id: %v", s.Name(), err)
	}
	// Not given back to the pool: what the script set, locked or did not commit ends with it.
	defer s.end(ctx, conn, id)
	for _, st := range statements {
		s.rig.Env().Log("%s> %s;", s.Name(), st.Text)
		for _, begin := range begins {
			begin()
		}
		err := s.show(ctx, conn, st.Text)
		if err == nil {
			continue
		}
		var refused *driver.MySQLError
		switch {
		case ctx.Err() != nil:
			// Out of time or cancelled: the caller knows which, and whose it is.
			return fmt.Errorf("%s line %d: still running when it was stopped: %s\n%s", file, st.Line, s.kill(ctx, id), indent(st.Text))
		case !errors.As(err, &refused) && s.Admin().PingContext(ctx) != nil:
			return lab.Invalidf("lost the connection to %s at %s line %d: %v", s.Name(), file, st.Line, err)
		}
		return lab.Blame(lab.ApplyCheck, fmt.Errorf("%s line %d: %w\n%s", file, st.Line, err, indent(st.Text)))
	}
	return nil
}

// show runs a statement and logs the rows that it returns, the first of them:
// so a script can ask the server what it thinks.
func (s *Server) show(ctx context.Context, conn *sql.Conn, text string) error {
	const most = 20
	rows, err := conn.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer rows.Close()
	for more := true; more; more = rows.NextResultSet() {
		names, err := rows.Columns()
		if err != nil {
			return err
		}
		values, into := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		n := 0
		for ; rows.Next(); n++ {
			if err := rows.Scan(into...); err != nil {
				return err
			}
			if n == 0 {
				s.rig.Env().Log("  %s", strings.Join(names, " | "))
			}
			if n < most {
				s.rig.Env().Log("  %s", row(values))
			}
		}
		if n > most {
			s.rig.Env().Log("  … %d rows more", n-most)
		}
	}
	return rows.Err()
}

func row(values []sql.NullString) string {
	texts := make([]string, len(values))
	for i, v := range values {
		if texts[i] = v.String; !v.Valid {
			texts[i] = "NULL"
		}
	}
	return strings.Join(texts, " | ")
}

// discard closes a connection for good, which the pool does with those that it is
// told to be bad, and with no others.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return bad.ErrBadConn })
	_ = conn.Close()
}

// end discards a connection and waits, not for long, until the server has noticed.
func (s *Server) end(ctx context.Context, conn *sql.Conn, id int64) {
	discard(conn)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	_ = measure.Until(ctx, "the connection has ended", func(ctx context.Context) (string, bool, error) {
		var n int
		err := s.Admin().QueryRowContext(ctx, "SELECT COUNT(*) FROM performance_schema.processlist WHERE ID = ?", id).Scan(&n)
		return "", n == 0, err
	})
}

// kill ends a connection on the server, where closing it at this end would
// stop nothing, and says what it was doing.
func (s *Server) kill(ctx context.Context, id int64) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	doing := "the process list could not be read"
	var state, info sql.NullString
	var seconds sql.NullInt64
	err := s.Admin().QueryRowContext(ctx,
		"SELECT STATE, INFO, TIME FROM performance_schema.processlist WHERE ID = ?", id).Scan(&state, &info, &seconds)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "it has ended by now"
	case err == nil:
		doing = fmt.Sprintf("%q for %d s", state.String, seconds.Int64)
	}
	if _, err := s.Admin().ExecContext(ctx, fmt.Sprintf("KILL %d", id)); err != nil {
		return fmt.Sprintf("%s, and KILL %d said: %v", doing, id, err)
	}
	return doing + ", killed"
}

func indent(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") }

package clickhouse

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	clickhouse "github.com/ClickHouse/clickhouse-go/v2"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
)

// Apply runs the variant's file as the learner, statement by statement in one
// session. What the server refuses is the learner's, on the check "applies",
// with its line and the server's words. When ctx ends first, what still runs
// is killed on the server, and the error says what it was doing.
//
// between, if there is one, is called before each statement.
func (s *Server) Apply(ctx context.Context, v lab.Variant, file string, between func(context.Context) error) error {
	statements := fix.ClickHouse.Statements(v.Files[file])
	if len(statements) == 0 {
		return nil
	}
	db, err := s.Open(Learner, 1)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Ping(ctx); err != nil {
		return lab.Invalidf("connect to %s as %s: %v", s.Name(), Learner, err)
	}
	for _, st := range statements {
		if between != nil {
			if err := between(ctx); err != nil {
				return err
			}
		}
		s.log("%s> %s;", s.Name(), st.Text)
		id := "fix-" + strings.ToLower(rand.Text())
		err := db.Exec(clickhouse.Context(noDeadline{ctx}, clickhouse.WithQueryID(id)), st.Text)
		if err == nil {
			continue
		}
		switch {
		case ctx.Err() != nil:
			err = fmt.Errorf("still running after its time was up: %s", s.kill(ctx, id))
		case Refusal(err) == nil && s.Admin().Ping(ctx) != nil:
			return lab.Invalidf("lost the connection to %s at %s line %d: %v", s.Name(), file, st.Line, err)
		}
		return lab.Blame(lab.ApplyCheck, fmt.Errorf("%s line %d: %w\n%s", file, st.Line, err, indent(st.Text)))
	}
	return nil
}

// kill ends a query on the server, which would not notice that its client is
// gone before it has something to send, and says what it was doing.
func (s *Server) kill(ctx context.Context, id string) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	var seconds float64
	var read, written uint64
	err := s.Admin().QueryRow(ctx, "SELECT elapsed, read_rows, written_rows FROM system.processes WHERE query_id = ?", id).
		Scan(&seconds, &read, &written)
	if err != nil {
		return "it has ended by now"
	}
	doing := fmt.Sprintf("for %.0f s, %s rows read, %s written", seconds, lab.Number(float64(read)), lab.Number(float64(written)))
	if err := s.Admin().Exec(ctx, "KILL QUERY WHERE query_id = ? ASYNC", id); err != nil {
		return fmt.Sprintf("%s, and KILL QUERY said: %v", doing, err)
	}
	return doing + ", killed"
}

func indent(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") }

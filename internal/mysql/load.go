package mysql

import (
	"bufio"
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	mysql "github.com/go-sql-driver/mysql"
)

// Rows writes table rows in the format of LOAD DATA.
type Rows struct {
	w   *bufio.Writer
	buf []byte
}

var escape = strings.NewReplacer("\\", "\\\\", "\t", "\\t", "\n", "\\n")

// Add writes one row. Values are integers, strings, times (written with
// milliseconds, UTC) and nil.
func (r *Rows) Add(values ...any) {
	b := r.buf[:0]
	for i, v := range values {
		if i > 0 {
			b = append(b, '\t')
		}
		switch v := v.(type) {
		case nil:
			b = append(b, `\N`...)
		case int:
			b = strconv.AppendInt(b, int64(v), 10)
		case int64:
			b = strconv.AppendInt(b, v, 10)
		case uint64:
			b = strconv.AppendUint(b, v, 10)
		case string:
			b = append(b, escape.Replace(v)...)
		case time.Time:
			b = v.UTC().AppendFormat(b, "2006-01-02 15:04:05.000")
		case driver.Valuer:
			text, err := v.Value()
			if err != nil {
				panic(fmt.Sprintf("mysql: load a %T: %v", v, err))
			}
			b = append(b, escape.Replace(fmt.Sprint(text))...)
		default:
			panic(fmt.Sprintf("mysql: load a %T", v)) // a lab's seed is wrong
		}
	}
	b = append(b, '\n')
	r.buf = b
	_, _ = r.w.Write(b) // the writer keeps its error for Flush
}

var loads atomic.Int64

// Load fills a table as fast as the server can: LOAD DATA, in one transaction,
// and Analyze. columns is the list as SQL has it: "id, user_id, amount".
func (s *Server) Load(ctx context.Context, table, columns string, rows func(*Rows)) (n int64, err error) {
	// The driver finds readers by name, in one list for the whole process.
	name := fmt.Sprintf("faultlab-%d", loads.Add(1))
	pr, pw := io.Pipe()
	done := make(chan struct{})
	mysql.RegisterReaderHandler(name, func() io.Reader {
		go func() {
			defer close(done)
			w := &Rows{w: bufio.NewWriterSize(pw, 1<<20)}
			rows(w)
			pw.CloseWithError(w.w.Flush())
		}()
		return pr
	})
	defer mysql.DeregisterReaderHandler(name)
	res, err := s.Admin().ExecContext(ctx, fmt.Sprintf(
		"LOAD DATA LOCAL INFILE 'Reader::%s' INTO TABLE %s CHARACTER SET utf8mb4 (%s)", name, table, columns))
	pr.Close() // ends a writer that the server stopped reading
	if err != nil {
		return 0, fmt.Errorf("load %s: %w", table, err)
	}
	<-done
	if n, err = res.RowsAffected(); err != nil {
		return 0, fmt.Errorf("load %s: %w", table, err)
	}
	return n, s.Analyze(table)(ctx)
}

// Analyze returns a lab's Settle. The server looks at a table that is new, or has
// changed much, some 10 s later: until then it may well scan one that it believes
// empty, and then it reads pages in the midst of what is measured.
func (s *Server) Analyze(tables string) func(context.Context) error {
	return func(ctx context.Context) error { return s.Exec(ctx, "ANALYZE NO_WRITE_TO_BINLOG TABLE "+tables) }
}

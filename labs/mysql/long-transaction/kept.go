package longtransaction

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"faultlab/internal/measure"
)

const (
	short = 3               // so many transactions kept are none
	still = 2 * time.Second // so long nothing is thrown away, while somebody may read it: nothing will be
	most  = 30 * time.Second
)

// kept is what the server keeps at the worst, and for whom.
type kept struct {
	transactions int64
	why          string
}

// look waits until the server has thrown away what nobody can read any more,
// and then sets how much it keeps, and what it costs to find the oldest order.
// Once the present report was seen to keep it from that, it isn't waited for again.
func (e *evening) look(ctx context.Context, k *kept) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer func() { e.active = time.Now() }()
	began, since, last := time.Now(), time.Now(), int64(-1)
	var history int64
	err := measure.Until(ctx, "the server has thrown away what nobody can read any more", func(ctx context.Context) (string, bool, error) {
		var err error
		if history, err = e.length(ctx); err != nil {
			return "", false, err
		}
		open, who, err := e.transactions(ctx)
		if err != nil {
			return "", false, err
		}
		if history != last {
			last, since = history, time.Now()
		}
		state := fmt.Sprintf("it keeps %d transactions, and %d of the reports are open", history, open)
		if history <= short {
			return state, true, nil
		}
		e.pinned = open > 0 && (e.pinned || time.Since(since) > still)
		if e.pinned && history > k.transactions {
			k.why = who
		}
		return state, e.pinned || time.Since(began) > most, nil
	})
	if err != nil {
		return err
	}
	e.env.Sample("history", "transactions kept", float64(history))
	k.transactions = max(k.transactions, history)
	pages, err := e.pick(ctx)
	e.pages = max(e.pages, pages)
	return err
}

// length is that of the history list: the transactions whose changes the server
// can still undo for somebody who reads.
func (x *run) length(ctx context.Context) (n int64, err error) {
	err = x.mysql.Admin().QueryRowContext(ctx, "SELECT COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rseg_history_len'").Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("read the length of the history list: %w", err)
	}
	return n, nil
}

// transactions counts the reports' open ones, and describes the oldest.
func (x *run) transactions(ctx context.Context) (n int, oldest string, err error) {
	var command, level sql.NullString
	err = x.mysql.Admin().QueryRowContext(ctx, `
		SELECT COUNT(*) OVER (), COMMAND, trx_isolation_level
		  FROM information_schema.INNODB_TRX JOIN performance_schema.processlist ON ID = trx_mysql_thread_id
		 WHERE USER = ? ORDER BY trx_started LIMIT 1`, reports).Scan(&n, &command, &level)
	if err == sql.ErrNoRows {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("list the reports' transactions: %w", err)
	}
	return n, fmt.Sprintf("a transaction of the account %s, %s, was open in INNODB_TRX; its connection's command was %s", reports, level.String, command.String), nil
}

// pick counts the pages that the server touches to find the oldest order. What
// else goes on in the server touches some too, so the smallest of several counts.
func (e *evening) pick(ctx context.Context) (pages int64, err error) {
	conn, err := e.admin(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	for n := range 5 {
		before, err := e.touched(ctx, conn)
		if err != nil {
			return 0, err
		}
		var id int64
		if err := conn.QueryRowContext(ctx, "SELECT id FROM "+e.database+".queue ORDER BY id LIMIT 1").Scan(&id); err != nil {
			return 0, theirs(fmt.Errorf("look for the oldest order: %w", err))
		}
		after, err := e.touched(ctx, conn)
		if err != nil {
			return 0, err
		}
		if n == 0 || after-before < pages {
			pages = after - before
		}
	}
	return pages, nil
}

func (e *evening) touched(ctx context.Context, conn *sql.Conn) (n int64, err error) {
	err = conn.QueryRowContext(ctx, "SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Innodb_buffer_pool_read_requests'").Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count the pages that are read: %w", err)
	}
	return n, nil
}

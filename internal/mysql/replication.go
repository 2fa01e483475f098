package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"faultlab/internal/measure"
)

// replicate has a replica follow its source by GTID. The account's password
// changes with every run, so it is said at each start.
func (s *Server) replicate(ctx context.Context) error {
	st, err := s.Replication(ctx)
	if err != nil {
		return err
	}
	if st.Receiver && st.Applier {
		return nil
	}
	return s.Exec(ctx,
		"STOP REPLICA",
		fmt.Sprintf("CHANGE REPLICATION SOURCE TO SOURCE_HOST = '%s', SOURCE_PORT = %d, SOURCE_USER = '%s', SOURCE_PASSWORD = '%s',"+
			" SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1, SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 100000",
			s.Source.Name(), port, repl, s.password(repl)),
		"START REPLICA")
}

// Replication is how a replica stands to its source.
type Replication struct {
	Receiver, Applier bool   // whether they run; a receiver that reconnects runs
	Error             string // the last one of either
	State             string // what the applier is at
	Received          string // GTIDs that are on the replica, executed or not
	Executed          string // GTIDs that it has executed
}

// Replication reads a replica's state.
func (s *Server) Replication(ctx context.Context) (st Replication, err error) {
	var receiver, applier string
	err = s.Admin().QueryRowContext(ctx, `
		SELECT c.SERVICE_STATE, c.RECEIVED_TRANSACTION_SET, a.SERVICE_STATE, @@GLOBAL.gtid_executed,
		  COALESCE(NULLIF(c.LAST_ERROR_MESSAGE, ''),
		    (SELECT MAX(NULLIF(LAST_ERROR_MESSAGE, '')) FROM performance_schema.replication_applier_status_by_worker),
		    (SELECT MAX(NULLIF(LAST_ERROR_MESSAGE, '')) FROM performance_schema.replication_applier_status_by_coordinator), ''),
		  COALESCE((SELECT MAX(PROCESSLIST_STATE) FROM performance_schema.threads WHERE NAME = 'thread/sql/replica_sql'), '')
		FROM performance_schema.replication_connection_status c
		JOIN performance_schema.replication_applier_status a USING (CHANNEL_NAME)
		WHERE CHANNEL_NAME = ''`).Scan(&receiver, &st.Received, &applier, &st.Executed, &st.Error, &st.State)
	if errors.Is(err, sql.ErrNoRows) {
		return Replication{State: "no source configured"}, nil
	}
	if err != nil {
		return st, fmt.Errorf("read replication of %s: %w", s.Name(), err)
	}
	st.Receiver, st.Applier = receiver != "OFF", applier == "ON"
	return st, nil
}

func (st Replication) String() string {
	if !st.Receiver || !st.Applier {
		return strings.TrimSpace(fmt.Sprintf("receiver runs: %t, applier runs: %t. %s", st.Receiver, st.Applier, st.Error))
	}
	return st.State
}

// Stopped is the error of a wait for a replica that can't end: its receiver or
// its applier does not run.
type Stopped struct{ State Replication }

func (e *Stopped) Error() string { return "replication is stopped: " + e.State.String() }

// CatchUp waits until the replica has executed all that its source has when
// CatchUp is called. A stopped replication is a *Stopped at once.
func (s *Server) CatchUp(ctx context.Context) error {
	goal, err := s.Source.Executed(ctx)
	if err != nil {
		return err
	}
	var stopped *Stopped
	err = measure.Until(ctx, s.Name()+" has caught up with "+s.Source.Name(), func(ctx context.Context) (string, bool, error) {
		st, err := s.Replication(ctx)
		if err != nil {
			return "", false, err
		}
		missing, err := s.subtract(ctx, goal, st.Executed)
		if err != nil {
			return "", false, err
		}
		if n := Transactions(missing); n > 0 && st.Receiver && st.Applier {
			return fmt.Sprintf("%d transactions to go: %s", n, st.State), false, nil
		} else if n > 0 {
			stopped = &Stopped{st}
		}
		return "", true, nil
	})
	if err == nil && stopped != nil {
		return stopped
	}
	return err
}

// Missing counts the transactions that the source has and the replica has
// not; extra those that only the replica has, which a failover would trip over.
func (s *Server) Missing(ctx context.Context) (missing, extra int64, err error) {
	own, err := s.Executed(ctx)
	if err != nil {
		return 0, 0, err
	}
	theirs, err := s.Source.Executed(ctx)
	if err != nil {
		return 0, 0, err
	}
	less, err := s.subtract(ctx, theirs, own)
	if err != nil {
		return 0, 0, err
	}
	// Asked last: what the source commits meanwhile is not extra.
	if theirs, err = s.Source.Executed(ctx); err != nil {
		return 0, 0, err
	}
	more, err := s.subtract(ctx, own, theirs)
	return Transactions(less), Transactions(more), err
}

// Executed is the set of GTIDs that the server has executed.
func (s *Server) Executed(ctx context.Context) (set string, err error) {
	if err := s.Admin().QueryRowContext(ctx, "SELECT @@GLOBAL.gtid_executed").Scan(&set); err != nil {
		return "", fmt.Errorf("read gtid_executed of %s: %w", s.Name(), err)
	}
	return set, nil
}

func (s *Server) subtract(ctx context.Context, a, b string) (set string, err error) {
	if err := s.Admin().QueryRowContext(ctx, "SELECT GTID_SUBTRACT(?, ?)", a, b).Scan(&set); err != nil {
		return "", fmt.Errorf("subtract GTID sets: %w", err)
	}
	return set, nil
}

// Transactions counts the members of a GTID set such as
// "uuid:1-5:7,\nuuid:tag:1-3".
func Transactions(set string) (n int64) {
	for _, part := range strings.FieldsFunc(set, func(r rune) bool { return r == ':' || r == ',' || r == '\n' }) {
		first, last, ranged := strings.Cut(part, "-")
		a, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			continue // a UUID or a tag
		}
		b := a
		if ranged {
			if b, err = strconv.ParseInt(last, 10, 64); err != nil {
				continue // a UUID of digits only
			}
		}
		n += b - a + 1
	}
	return n
}

// Applier reads what the replica's applier threads have counted since
// replication was started. What clients read on the replica is not in it.
func (s *Server) Applier(ctx context.Context) (Status, error) {
	return status(ctx, s.Admin(), `
		SELECT VARIABLE_NAME, CAST(SUM(VARIABLE_VALUE) AS SIGNED)
		FROM performance_schema.status_by_thread JOIN performance_schema.threads USING (THREAD_ID)
		WHERE NAME IN ('thread/sql/replica_sql', 'thread/sql/replica_worker')
		  AND (VARIABLE_NAME LIKE 'Handler%' OR VARIABLE_NAME LIKE 'Sort%')
		GROUP BY VARIABLE_NAME`)
}

// Lag is the age of the oldest transaction that the replica is applying: how
// long ago it was committed on the source. 0 when it applies none.
func (s *Server) Lag(ctx context.Context) (time.Duration, error) {
	var us int64
	err := s.Admin().QueryRowContext(ctx, `
		SELECT COALESCE(MAX(TIMESTAMPDIFF(MICROSECOND, APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP, NOW(6))), 0)
		FROM performance_schema.replication_applier_status_by_worker WHERE APPLYING_TRANSACTION <> ''`).Scan(&us)
	if err != nil {
		return 0, fmt.Errorf("read lag of %s: %w", s.Name(), err)
	}
	return time.Duration(us) * time.Microsecond, nil
}

// Received waits until the replica holds all transactions of the set goal,
// executed or not.
func (s *Server) Received(ctx context.Context, goal string) error {
	return measure.Until(ctx, s.Name()+" has received all of "+s.Source.Name(), func(ctx context.Context) (string, bool, error) {
		st, err := s.Replication(ctx)
		if err != nil {
			return "", false, err
		}
		left, err := s.subtract(ctx, goal, strings.Trim(st.Received+","+st.Executed, ","))
		return left, left == "" && err == nil, err
	})
}

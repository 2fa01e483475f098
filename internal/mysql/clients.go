package mysql

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	driver "github.com/go-sql-driver/mysql"

	"faultlab/internal/measure"
	"faultlab/internal/rig"
)

// DSNIn is DSN with another database as the connection's default.
func (s *Server) DSNIn(account, database string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.client(account)
	c.DBName = database
	return c.FormatDSN()
}

// Proxy stands before the server, until the rig is stopped.
func (s *Server) Proxy(ctx context.Context) (*rig.Proxy, error) {
	return s.rig.Proxy(ctx, s.node.Addr(port))
}

// DSNThrough is DSNIn for a client that comes through a proxy of the server.
func (s *Server) DSNThrough(p *rig.Proxy, account, database string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.client(account)
	c.Addr, c.DBName = p.Addr(), database
	return c.FormatDSN()
}

// OneStatement takes a wish from what a client sends: to send several statements
// in one packet, between which nothing can happen. Some proxies don't have it
// either. It is among the capabilities in a connection's first packet.
func OneStatement(sent []byte) {
	// https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_response.html
	const header, reserved, protocol41, multiStatements = 4, 23, 1 << 9, 1 << 16
	if len(sent) < header+9+reserved || sent[3] != 1 || int(sent[0])|int(sent[1])<<8|int(sent[2])<<16 != len(sent)-header {
		return
	}
	capabilities := binary.LittleEndian.Uint32(sent[header:])
	if capabilities&protocol41 == 0 || !bytes.Equal(sent[header+9:][:reserved], make([]byte, reserved)) {
		return
	}
	binary.LittleEndian.PutUint32(sent[header:], capabilities&^multiStatements)
}

// NewDatabase makes a database, in place of one of that name, and runs statements in it.
func (s *Server) NewDatabase(ctx context.Context, name string, statements ...string) error {
	return s.Exec(ctx, append([]string{"DROP DATABASE IF EXISTS " + name, "CREATE DATABASE " + name, "USE " + name}, statements...)...)
}

// Hold runs statements that lock something, on a connection of their own, and
// returns what frees it by one more; it may be called twice.
func (s *Server) Hold(ctx context.Context, free string, statements ...string) (release func(), err error) {
	conn, err := s.Admin().Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", s.Name(), err)
	}
	for _, text := range statements {
		if _, err := conn.ExecContext(ctx, text); err != nil {
			discard(conn) // the next user would be in this one's transaction
			return nil, fmt.Errorf("lock on %s: %w", s.Name(), err)
		}
	}
	return func() {
		if conn != nil {
			// An error is that of a connection that broke, and the lock with it.
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), free)
			conn.Close()
			conn = nil
		}
	}, nil
}

// Disconnect ends the account's connections on the server, as the death of its
// machine would in the end, and says how many there were.
func (s *Server) Disconnect(ctx context.Context, account string) (n int, err error) {
	rows, err := s.Admin().QueryContext(ctx, "SELECT ID FROM performance_schema.processlist WHERE USER = ?", account)
	if err != nil {
		return 0, fmt.Errorf("list connections of %s: %w", account, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return n, err
		}
		n++
		var gone *driver.MySQLError
		if _, err := s.Admin().ExecContext(ctx, fmt.Sprintf("KILL %d", id)); err != nil && !errors.As(err, &gone) {
			return n, fmt.Errorf("end connection of %s: %w", account, err)
		}
	}
	return n, rows.Err()
}

// Drop is Disconnect until the account has no connection any more: MySQL has
// rolled back what it had not committed.
func (s *Server) Drop(ctx context.Context, account string) error {
	return measure.Until(ctx, "MySQL has dropped the connections of "+account, func(ctx context.Context) (string, bool, error) {
		open, err := s.Disconnect(ctx, account)
		return fmt.Sprintf("%d connections", open), open == 0, err
	})
}

// Waiting counts the account's connections that wait for a lock of somebody
// else: of a row, of a table, or one that they take by name. It doesn't ask
// INNODB_TRX, which goes on showing what it showed before to those who ask again
// within 0.1 s.
func (s *Server) Waiting(ctx context.Context, account string) (n int, err error) {
	err = s.Admin().QueryRowContext(ctx, `
		SELECT COUNT(*) FROM performance_schema.processlist
		WHERE USER = ? AND (STATE LIKE 'Waiting for table%' OR STATE = 'User lock'
		  OR ID IN (SELECT PROCESSLIST_ID FROM performance_schema.data_lock_waits
		            JOIN performance_schema.threads ON THREAD_ID = REQUESTING_THREAD_ID))`,
		account).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count who waits on %s: %w", s.Name(), err)
	}
	return n, nil
}

// Locks counts the locks on rows, and on gaps before them, that the account's
// connections have. A row that is locked in an index and in the table is two.
func (s *Server) Locks(ctx context.Context, account string) (n int, err error) {
	err = s.Admin().QueryRowContext(ctx, `
		SELECT COUNT(*) FROM performance_schema.data_locks JOIN performance_schema.threads USING (THREAD_ID)
		WHERE PROCESSLIST_USER = ? AND LOCK_TYPE = 'RECORD' AND LOCK_STATUS = 'GRANTED'`,
		account).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count locks on %s: %w", s.Name(), err)
	}
	return n, nil
}

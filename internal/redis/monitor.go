package redis

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"
)

// Call is a command that the server has executed.
type Call struct {
	Mark   string // the last that Monitor.Mark has set before it
	DB     int
	Client string   // its address, or Script
	Args   []string // as they were sent, the command's name first
}

// Script is the Client of what a script or a function calls. The EVAL that
// called it comes before it.
const Script = "lua"

// Monitor keeps what the server executes for others than the harness, in its
// order: what a transaction holds comes where it was executed, between its MULTI
// and its EXEC, if not directly after the former. What administers the server is
// not among it.
type Monitor struct {
	server *Server
	conn   net.Conn
	secret string          // before a mark, which nobody else can set so
	own    map[string]bool // addresses of the harness's clients
	done   chan struct{}
	calls  []Call
	err    error
}

// end is the last mark.
const end = "end of the monitor"

// Monitor begins to keep what the server executes. It costs the server the
// writing of all commands, and none of the answers.
func (s *Server) Monitor(ctx context.Context) (*Monitor, error) {
	conn, err := s.own.dial(ctx, "tcp", s.Addr())
	if err != nil {
		return nil, fmt.Errorf("monitor %s: %w", s.Name(), err)
	}
	m := &Monitor{server: s, conn: conn, secret: rand.Text(), own: map[string]bool{}, done: make(chan struct{})}
	s.own.count(goredis.NewCmd(ctx, "monitor"))
	if _, err := fmt.Fprintf(conn, "AUTH %s %s\r\nMONITOR\r\n", Admin, s.Password(Admin)); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("monitor %s: %w", s.Name(), err)
	}
	go m.read()
	return m, m.Mark(ctx, "")
}

// Mark is set at all that is executed from now on.
func (m *Monitor) Mark(ctx context.Context, mark string) error {
	client := m.server.client
	if err := client.Echo(ctx, m.secret+mark).Err(); err != nil {
		return fmt.Errorf("mark in the monitor of %s: %w", m.server.Name(), err)
	}
	// They stay open for much longer than from one mark to the next.
	clients, err := client.ClientList(ctx).Result()
	if err != nil {
		return fmt.Errorf("list clients of %s: %w", m.server.Name(), err)
	}
	for line := range strings.Lines(clients) {
		fields := strings.Fields(line)
		if slices.Contains(fields, "user="+Admin) {
			for _, f := range fields {
				if addr, ok := strings.CutPrefix(f, "addr="); ok {
					m.own[addr] = true
				}
			}
		}
	}
	return nil
}

// Stop ends it and returns what was executed.
func (m *Monitor) Stop(ctx context.Context) ([]Call, error) {
	defer m.Close()
	if err := m.Mark(ctx, end); err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-m.done:
	}
	if n := len(m.calls); n > 0 && m.calls[n-1].Mark == end {
		return slices.DeleteFunc(m.calls[:n-1], func(c Call) bool { return m.own[c.Client] }), nil
	}
	return nil, fmt.Errorf("monitor %s: %w", m.server.Name(), m.err)
}

// Close ends it. What it has kept is lost, unless by Stop.
func (m *Monitor) Close() { _ = m.conn.Close() }

func (m *Monitor) read() {
	defer close(m.done)
	lines := bufio.NewReaderSize(m.conn, 1<<20)
	for mark := ""; ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			m.err = err
			return
		}
		c, ok := parseCall(line)
		if !ok {
			continue // +OK
		}
		if len(c.Args) == 2 && strings.EqualFold(c.Args[0], "echo") {
			if set, ok := strings.CutPrefix(c.Args[1], m.secret); ok {
				if mark = set; mark != end {
					continue
				}
				m.calls = append(m.calls, Call{Mark: mark})
				return
			}
		}
		c.Mark = mark
		m.calls = append(m.calls, c)
	}
}

// parseCall reads one line: +1795567386.115418 [0 127.0.0.1:49344] "set" "b" "1"
func parseCall(line string) (c Call, ok bool) {
	_, rest, ok := strings.Cut(line, " [")
	if !ok {
		return c, false
	}
	from, rest, ok := strings.Cut(rest, "] ")
	if !ok {
		return c, false
	}
	db, client, ok := strings.Cut(from, " ")
	if !ok {
		return c, false
	}
	var err error
	if c.DB, err = strconv.Atoi(db); err != nil {
		return c, false
	}
	c.Client = client
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimLeft(rest, " ") {
		// What is redacted stands there without quotes.
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			quoted, _, _ = strings.Cut(rest, " ")
			c.Args = append(c.Args, quoted)
		} else if arg, err := strconv.Unquote(quoted); err == nil {
			c.Args = append(c.Args, arg)
		}
		rest = rest[len(quoted):]
	}
	return c, len(c.Args) > 0
}

package playground

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/term"

	"faultlab/internal/fix"
)

// console sends statements to a server that takes them over HTTP, for images
// that have no client: ClickHouse's, as it is built here. The server formats its answers itself; SET and temporary
// tables last as long as the console.
func console(ctx context.Context, srv Server, s Streams) (status int, err error) {
	u, err := url.Parse(srv.Shell.HTTP)
	if err != nil {
		return 0, fmt.Errorf("connect to %s: %w", srv.Name, err)
	}
	c := &httpConsole{url: u}
	q := u.Query()
	q.Set("session_id", "lab-"+randomHex(8))
	q.Set("default_format", "TabSeparated")
	if s.terminal() {
		q.Set("default_format", "PrettyCompactMonoBlock")
	}
	u.RawQuery = q.Encode()
	if s.terminal() {
		return 0, c.interactive(ctx, srv.Name, s)
	}
	text, err := io.ReadAll(s.In)
	if err != nil {
		return 0, fmt.Errorf("read statements: %w", err)
	}
	for _, st := range fix.ClickHouse.Statements(string(text)) {
		if err := c.ask(ctx, st.Text, s.Out); err != nil {
			fmt.Fprintln(s.Err, err)
			return 1, nil
		}
	}
	return 0, nil
}

type httpConsole struct{ url *url.URL }

// ask sends one statement. What the server has against it is the error.
func (c *httpConsole) ask(ctx context.Context, statement string, out io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url.String(), strings.NewReader(statement))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		var uerr *url.Error // would show the password
		if errors.As(err, &uerr) {
			err = uerr.Err
		}
		return fmt.Errorf("ask the server: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1<<16))
		return errors.New(strings.TrimSpace(string(text)))
	}
	_, err = io.Copy(out, res.Body)
	return err
}

// interactive reads statements, each up to its semicolon, until exit or the
// end of input.
func (c *httpConsole) interactive(ctx context.Context, name string, s Streams) error {
	fd := int(s.In.Fd())
	old, err := term.MakeRaw(fd)
	if err != nil {
		return fmt.Errorf("prepare terminal: %w", err)
	}
	defer term.Restore(fd, old)
	prompt, more := name+" :) ", strings.Repeat(" ", len(name))+" :-] "
	t := term.NewTerminal(screen{s.In, s.Out}, prompt)
	if w, h, err := term.GetSize(int(s.Out.Fd())); err == nil {
		_ = t.SetSize(w, h)
	}
	fmt.Fprintf(t, "This image has no client; statements go to the server's HTTP interface.\nEnd each with a semicolon; exit or Ctrl-D leaves.\n\n")
	var statement strings.Builder
	for {
		line, err := t.ReadLine()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, term.ErrPasteIndicator):
			return fmt.Errorf("read statement: %w", err)
		}
		word := strings.ToLower(strings.Trim(line, "; \t"))
		if statement.Len() == 0 && (word == "exit" || word == "quit" || word == "") {
			if word == "" {
				continue
			}
			return nil
		}
		statement.WriteString(line + "\n")
		if !strings.HasSuffix(strings.TrimSpace(line), ";") {
			t.SetPrompt(more)
			continue
		}
		for _, st := range fix.ClickHouse.Statements(statement.String()) {
			if err := c.ask(ctx, st.Text, t); err != nil {
				fmt.Fprintf(t, "%v\n", err)
			}
			fmt.Fprintln(t)
		}
		statement.Reset()
		t.SetPrompt(prompt)
	}
}

// screen is a terminal's two ends as one.
type screen struct {
	io.Reader
	io.Writer
}

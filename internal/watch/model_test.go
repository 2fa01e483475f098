package watch

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"faultlab/internal/lab"
	"faultlab/internal/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

func taken(rows, page, indexes float64) *lab.Readings {
	r := &lab.Readings{}
	r.Set("rows-read", "rows for one page", rows)
	r.Set("page-time", "ms for the slowest page", page)
	r.Set("new-indexes", "indexes", indexes)
	return r
}

func result(rows, page, indexes float64) *lab.Result {
	r := &lab.Result{
		Lab: "mysql/slow-query", Title: "The page of recent orders times out", Variant: "fix", Verdict: lab.Pass,
		Before: taken(1000000, 275, 0), After: taken(rows, page, indexes), Elapsed: 5900 * time.Millisecond,
		Phases: []lab.Took{{Phase: lab.Start, Elapsed: 1200 * time.Millisecond}, {Phase: lab.Measure, Elapsed: 900 * time.Millisecond}, {Phase: lab.Remeasure, Elapsed: 100 * time.Millisecond}},
		Checks: []lab.Outcome{
			{ID: lab.ApplyCheck, OK: true, Says: "the fix applies without an error, in time", Got: "yes"},
			{ID: "rows-read", OK: rows <= 200, Says: "rows-read ≤ 200", Got: lab.Number(rows) + " rows for one page"},
			{ID: "new-indexes", OK: indexes <= 2, Says: "new-indexes ≤ 2", Got: lab.Number(indexes) + " indexes"},
		},
	}
	for i, c := range r.Checks {
		if !c.OK {
			r.Verdict, r.Checks[i].Hint = lab.Fail, "Somebody's page still makes the server read far more rows than the 100 that it shows."
		}
	}
	return r
}

// screen is one at the width, with the keys' effects written to log.
func screen(t *testing.T, width, height int, o report.Options) (m *model, log *[]string) {
	log = &[]string{}
	s := &Screen{
		Lab: &lab.Lab{Name: "mysql/slow-query", Title: "The page of recent orders times out"}, Fix: "labs/mysql/slow-query/fix", Options: o,
		Run:   func() { *log = append(*log, "run") },
		Hint:  func() (string, string, error) { return "## Where to look\n", "(2 more hints are left)", nil },
		Brief: func() (string, error) { return strings.Repeat("It is slow.\n", 40), nil },
		Shell: func() (func() error, error) {
			return nil, errors.New("mysql/slow-query is not up; lab up mysql/slow-query starts it")
		},
		Render: func(text string, o report.Options) (string, error) { return text, nil },
	}
	m = newModel(t.Context(), s)
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	return m, log
}

func press(m *model, keys ...string) {
	for _, k := range keys {
		msg := tea.KeyPressMsg{Text: k}
		switch k {
		case "esc":
			msg = tea.KeyPressMsg{Code: tea.KeyEscape}
		case "pgdown":
			msg = tea.KeyPressMsg{Code: tea.KeyPgDown}
		}
		if _, cmd := m.Update(msg); cmd != nil {
			m.Update(cmd())
		}
	}
}

var epoch = time.Unix(0, 0)

// begun is a run that measures the fix.
func begun() letters {
	reading := func(p lab.Phase, name, unit string, v float64) lab.Event {
		return lab.Event{Phase: p, Reading: &lab.Reading{Name: name, Unit: unit, Value: v}}
	}
	return letters{
		Began{epoch},
		lab.Event{Phase: lab.Start}, lab.Event{Phase: lab.Start, Text: "docker run"}, lab.Event{Phase: lab.Start, Done: true, Elapsed: 1200 * time.Millisecond},
		lab.Event{Phase: lab.Measure},
		reading(lab.Measure, "rows-read", "rows for one page", 1000000), reading(lab.Measure, "page-time", "ms for the slowest page", 275),
		lab.Event{Phase: lab.Measure, Done: true, Elapsed: 900 * time.Millisecond},
		lab.Event{Phase: lab.Remeasure}, reading(lab.Remeasure, "rows-read", "rows for one page", 100),
		lab.Event{Phase: lab.Remeasure, Text: "SELECT * FROM orders WHERE user_id = 7 ORDER BY create_time DESC, id DESC LIMIT 100\x1b[2J\nmore"},
	}
}

func TestView(t *testing.T) {
	next := &lab.Lab{Name: "redis/skewed-keys", Title: "New stock cards are refused while two Redis nodes are empty"}
	shows := map[string]func(m *model){
		"waiting":  func(*model) {},
		"running":  func(m *model) { m.Update(begun()); m.Update(second(epoch.Add(4 * time.Second))) },
		"dropping": func(m *model) { m.Update(begun()); m.Update(letters{Dropping{}}) },
		"fail":     func(m *model) { m.Update(begun()); m.Update(letters{Ended{Result: result(120811, 177, 1)}}) },
		"pass": func(m *model) {
			m.Update(letters{Began{epoch}, Ended{Result: result(120811, 177, 1)}, Began{epoch}, Ended{Result: result(100, 170, 1),
				Advice: "Now read the Background in labs/mysql/slow-query/README.md, and lab solution mysql/slow-query. Then: lab next", Next: next}})
		},
		"broken": func(m *model) { m.Update(letters{Broken{errors.New("fix/fix.sql is empty: write the fix into it")}}) },
		"hint":   func(m *model) { press(m, "h") },
		"shell":  func(m *model) { press(m, "s") },
		"brief":  func(m *model) { press(m, "b", "pgdown") },
	}
	for name, show := range shows {
		for _, width := range []int{40, 80, 120} {
			m, _ := screen(t, width, 24, report.Options{ASCII: width == 40})
			show(m)
			golden(t, fmt.Sprintf("%s-%d.txt", name, width), m.View().Content)
		}
		// It fits wherever it is shown, in colour, too.
		for _, size := range [][2]int{{1, 1}, {20, 5}, {40, 8}, {300, 100}} {
			m, _ := screen(t, size[0], size[1], report.Options{Color: true})
			show(m)
			lines := strings.Split(m.View().Content, "\n")
			if len(lines) > max(size[1], 6) && m.says == "" {
				t.Errorf("%s at %v has %d lines", name, size, len(lines))
			}
			for _, l := range lines {
				if ansi.StringWidth(l) > size[0] {
					t.Errorf("%s at %v: %q", name, size, l)
				}
			}
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	var b strings.Builder
	for l := range strings.Lines(got + "\n") {
		b.WriteString(strings.TrimRight(l, " \n") + "\n")
	}
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != strings.ReplaceAll(string(want), "\r\n", "\n") {
		t.Errorf("%s differs (go test -update writes it anew)\n got\n%s\nwant\n%s", name, b.String(), want)
	}
}

func TestKeys(t *testing.T) {
	m, log := screen(t, 80, 24, report.Options{})
	shown := func() string { return m.View().Content }
	press(m, "r")
	if len(*log) != 1 {
		t.Errorf("r did %q", *log)
	}
	press(m, "b")
	if !strings.Contains(shown(), "It is slow.") {
		t.Errorf("b shows\n%s", shown())
	}
	press(m, "G")
	if !strings.Contains(shown(), "esc") || strings.Contains(shown(), "more lines") {
		t.Errorf("the end of the brief is\n%s", shown())
	}
	press(m, "j", "j", "k", "g")
	if m.from != 0 {
		t.Errorf("g goes to line %d", m.from)
	}
	press(m, "b")
	if m.page != nil {
		t.Error("a second b leaves the brief")
	}
	press(m, "h", "esc")
	if m.page != nil {
		t.Error("esc leaves a page")
	}
	// Whoever reads goes on reading; n is for a pass with a lab after it.
	press(m, "h")
	m.Update(begun())
	press(m, "n")
	if m.page == nil || m.next != nil {
		t.Errorf("page %v, next %v", m.page, m.next)
	}
	next := &lab.Lab{Name: "redis/skewed-keys"}
	m.Update(letters{Ended{Result: result(100, 1, 1), Next: next}})
	if _, cmd := m.Update(tea.KeyPressMsg{Text: "n"}); m.next != next || cmd == nil {
		t.Errorf("n goes to %v", m.next)
	}
	for _, key := range []tea.KeyPressMsg{{Text: "q"}, {Code: 'c', Mod: tea.ModCtrl}} {
		if _, cmd := m.Update(key); cmd == nil || cmd() != tea.Quit() {
			t.Errorf("%s does not quit", key)
		}
	}
}

// What is told while nobody takes it is kept, in order.
func TestMail(t *testing.T) {
	s := &Screen{}
	for i := range 1000 {
		s.Tell(i)
	}
	got := s.mail.take(t.Context()).(letters)
	if len(got) != 1000 || got[999] != 999 {
		t.Errorf("got %d letters", len(got))
	}
}

// The screen ends by q, and with its context.
func TestShow(t *testing.T) {
	in, keys := io.Pipe()
	defer keys.Close()
	s := &Screen{Lab: &lab.Lab{Name: "mysql/slow-query"}, Run: func() { go keys.Write([]byte("q")) }}
	s.Tell(Began{epoch})
	go keys.Write([]byte("r"))
	var out bytes.Buffer
	if next, err := s.Show(t.Context(), in, &out); next != nil || err != nil {
		t.Errorf("next %v, %v", next, err)
	}
	if !strings.Contains(out.String(), "mysql/slow-query") {
		t.Errorf("it drew %q", out.String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if next, err := s.Show(ctx, in, io.Discard); next != nil || err != nil {
		t.Errorf("next %v, %v", next, err)
	}
}

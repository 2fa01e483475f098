package watch

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"faultlab/internal/lab"
	"faultlab/internal/quote"
	"faultlab/internal/report"
)

// state is what the watched fix is at.
type state int

const (
	waiting state = iota // for the first run
	running
	dropping
	ended
	broken
)

// model is a screen's content.
type model struct {
	*Screen
	ctx           context.Context // of the screen
	width, height int
	now           time.Time

	state state
	runs  int
	began time.Time
	round report.Round
	ended Ended
	err   error // why it is broken

	page *page
	says string   // one sentence above the keys
	from int      // first line of the body that is on the screen
	next *lab.Lab // quits for this one
}

// page is a text that is shown instead of the run.
type page struct {
	brief          bool
	markdown, note string
	lines          []string
}

// What the screen tells itself.
type (
	second time.Time                  // one went by
	opened struct{ run func() error } // a shell that can be had
	failed struct{ err error }
)

func newModel(ctx context.Context, s *Screen) *model {
	return &model{Screen: s, ctx: ctx, width: 80, height: 24, round: report.Round{Result: blank()}}
}

func blank() *lab.Result { return &lab.Result{Before: &lab.Readings{}, After: &lab.Readings{}} }

func (m *model) Init() tea.Cmd { return tea.Batch(m.read, tick()) }

func (m *model) read() tea.Msg { return m.mail.take(m.ctx) }

func tick() tea.Cmd { return tea.Tick(time.Second, func(t time.Time) tea.Msg { return second(t) }) }

func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.open(m.page)
	case second:
		m.now = time.Time(msg)
		return m, tick()
	case letters:
		for _, what := range msg {
			m.told(what)
		}
		return m, m.read
	case opened:
		return m, tea.Exec(program(msg.run), func(err error) tea.Msg {
			if err != nil {
				err = fmt.Errorf("the shell ended: %w", err)
			}
			return failed{err}
		})
	case failed:
		if msg.err != nil {
			m.says = msg.err.Error()
		}
	case tea.KeyPressMsg:
		m.says = ""
		return m, m.key(msg.String())
	}
	return m, nil
}

// told makes of what happened what is shown.
func (m *model) told(what any) {
	switch what := what.(type) {
	case Began:
		if v := m.round.Result.Verdict; v == lab.Pass || v == lab.Fail {
			m.round.Last = m.round.Result
		}
		m.state, m.began, m.now = running, what.At, what.At
		m.runs++
		m.ended, m.err = Ended{}, nil
		m.round.Result, m.round.Open, m.round.Detail = blank(), "", ""
	case lab.Event:
		m.event(what)
	case Dropping:
		m.state = dropping
	case Ended:
		m.state, m.ended = ended, what
		m.round.Result, m.round.Open = what.Result, ""
	case Broken:
		m.state, m.err = broken, what.Err
		if m.round.Result.Verdict == "" { // what came of a run that was dropped
			m.round.Result, m.round.Open = blank(), ""
		}
	}
}

func (m *model) event(e lab.Event) {
	r := &m.round
	switch {
	case e.Done:
		r.Result.Phases = append(r.Result.Phases, lab.Took{Phase: e.Phase, Elapsed: e.Elapsed})
		r.Open, r.Detail = "", ""
	case e.Reading != nil && e.Phase == lab.Measure:
		r.Result.Before.Set(e.Reading.Name, e.Reading.Unit, e.Reading.Value)
	case e.Reading != nil:
		r.Result.After.Set(e.Reading.Name, e.Reading.Unit, e.Reading.Value)
	case e.Text == "":
		r.Open, r.Detail = e.Phase, ""
	default:
		r.Detail = e.Text
	}
}

func (m *model) key(key string) tea.Cmd {
	full := m.room()
	switch key {
	case "q", "ctrl+c":
		return tea.Quit
	case "n":
		if m.ended.Next != nil {
			m.next = m.ended.Next
			return tea.Quit
		}
	case "r":
		m.open(nil)
		m.Run()
	case "h":
		if text, note, err := m.Hint(); err != nil {
			m.says = err.Error()
		} else {
			m.open(&page{markdown: text, note: note})
		}
	case "b":
		if m.page != nil && m.page.brief {
			m.open(nil)
		} else if text, err := m.Brief(); err != nil {
			m.says = err.Error()
		} else {
			m.open(&page{markdown: text, brief: true})
		}
	case "s":
		return func() tea.Msg {
			run, err := m.Shell()
			if err != nil {
				return failed{err}
			}
			return opened{run}
		}
	case "esc":
		m.open(nil)
	case "up", "k":
		m.from--
	case "down", "j":
		m.from++
	case "pgup":
		m.from -= full - 1
	case "pgdown", "space":
		m.from += full - 1
	case "home", "g":
		m.from = 0
	case "end", "G":
		m.from = len(m.body())
	}
	m.from = max(0, min(m.from, len(m.body())-full))
	return nil
}

// open shows a page, laid out for the screen as it is; nil is the run.
func (m *model) open(p *page) {
	if p != m.page {
		m.from = 0
	}
	m.page = p
	if p == nil {
		return
	}
	o := m.Options
	o.Width = m.width
	text := ""
	if p.markdown != "" {
		shown, err := m.Render(p.markdown, o)
		if err != nil {
			shown = err.Error()
		}
		text = strings.TrimRight(shown, "\n") + "\n\n"
	}
	p.lines = strings.Split(text+ansi.Wrap(strings.TrimSpace(p.note+" (esc: back to the run)"), max(m.width, 1), ""), "\n")
}

// body is what is between the head and the keys, all of it.
func (m *model) body() []string {
	if m.page != nil {
		return m.page.lines
	}
	var b strings.Builder
	text := m.ended.Advice
	if m.err != nil {
		text = quote.Plain(m.err.Error()) + "\nOnce that is put right it is run."
	}
	if m.ended.Next != nil {
		text += fmt.Sprintf("\nn watches the next lab: %s, %s", m.ended.Next.Name, m.ended.Next.Title)
	}
	if text = strings.TrimSpace(text); text != "" {
		b.WriteString(ansi.Wrap(text, max(m.width, 1), "") + "\n")
		if m.round.Result.Verdict == "" {
			b.WriteString("\n") // else a section begins with it
		}
	}
	o := m.Options
	o.Width = m.width
	_ = report.Body(&b, m.round, o) // a Builder takes all
	return strings.Split(strings.Trim(b.String(), "\n"), "\n")
}

// head says which lab it is and how it stands.
func (m *model) head() []string {
	status := "waiting for " + m.Fix
	switch m.state {
	case running:
		status = fmt.Sprintf("run %d is on, %d s", m.runs, int(m.now.Sub(m.began).Seconds()))
		if m.round.Open != "" {
			status += ": " + string(m.round.Open)
		}
	case dropping:
		status = fmt.Sprintf("run %d is being ended", m.runs)
	case ended:
		status = report.Verdict(m.round.Result, m.Options) + fmt.Sprintf("  run %d", m.runs)
	case broken:
		status = "not run"
	}
	return []string{m.Lab.Name + "  " + m.Lab.Title, status, ""}
}

const keys = "r run  h hint  b brief  s shell  q quit"

func (m *model) foot() []string {
	lines := []string{""}
	if m.says != "" {
		lines = append(lines, strings.Split(ansi.Wrap(m.says, max(m.width, 1), ""), "\n")...)
	}
	all := keys + "     runs when you save in " + m.Fix
	if len(all) > m.width {
		all = keys
	}
	return append(lines, all)
}

// room is how many lines of the body can be seen at once.
func (m *model) room() int { return max(1, m.height-len(m.head())-len(m.foot())) }

func (m *model) View() tea.View {
	body, room := m.body(), m.room()
	from := max(0, min(m.from, len(body)-room))
	body = body[from:]
	if more := len(body) - room; more > 0 {
		body = append(body[:room-1:room-1], fmt.Sprintf("(%d more lines: down)", more+1))
	}
	for len(body) < room {
		body = append(body, "")
	}
	lines := append(append(m.head(), body...), m.foot()...)
	for i, l := range lines {
		lines[i] = ansi.Truncate(l, m.width, "")
	}
	v := tea.NewView(strings.Join(lines, "\n"))
	v.AltScreen = true
	v.WindowTitle = "lab watch " + m.Lab.Name
	return v
}

// program runs in the terminal that the screen leaves to it. It opens standard
// input and output itself.
type program func() error

func (p program) Run() error          { return p() }
func (p program) SetStdin(io.Reader)  {}
func (p program) SetStdout(io.Writer) {}
func (p program) SetStderr(io.Writer) {}

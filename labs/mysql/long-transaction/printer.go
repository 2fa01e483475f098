package longtransaction

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// perSheet is how many lines the printer takes as one page.
const perSheet = 20

// page is what happens while the nth page that is sent is printed, and what the
// printer answers then.
type page func(nth int) (status int, err error)

// printer prints pages over HTTP. It prints those of one report at a time.
type printer struct {
	url    string
	server *http.Server

	mu      sync.Mutex
	page    page   // what happens while one is printed
	report  string // whose pages are taken
	busy    int    // pages that are being printed
	sent    int    // pages since it was asked for
	printed map[int][]line
	failed  error // ours
}

func newPrinter(ctx context.Context) (*printer, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the printer: %w", err)
	}
	p := &printer{url: "http://" + l.Addr().String()}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /print", p.print)
	p.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = p.server.Serve(l) }()
	return p, nil
}

func (p *printer) close() { _ = p.server.Close() }

// begin takes pages of a report that has begun; fresh ones, or those that were
// printed before stay.
func (p *printer) begin(report string, f page) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.page = f
	if p.report != report {
		p.report, p.printed = report, map[int][]line{}
	}
	p.sent = 0
}

// end takes no more pages, and returns what is on paper.
func (p *printer) end() (lines []line, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, sheet := range p.printed {
		lines = slices.Concat(lines, sheet)
	}
	p.sent = -1
	return lines, p.failed
}

func (p *printer) printing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.busy > 0
}

func (p *printer) print(w http.ResponseWriter, r *http.Request) {
	var sheet struct {
		Report string `json:"report"`
		Page   int    `json:"page"`
		Lines  []line `json:"lines"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&sheet); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if len(sheet.Lines) > perSheet || sheet.Page < 1 {
		http.Error(w, fmt.Sprintf("a page has a number from 1 on, and at most %d lines", perSheet), http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	if sheet.Report != p.report || p.sent < 0 {
		p.mu.Unlock()
		http.Error(w, "nobody waits for "+sheet.Report, http.StatusConflict)
		return
	}
	p.sent++
	p.busy++
	nth, f := p.sent, p.page
	p.mu.Unlock()

	status, err := f(nth)

	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	switch {
	case err != nil:
		if p.failed == nil && !errors.Is(err, context.Canceled) {
			p.failed = err
		}
		status = http.StatusInternalServerError
	case status == http.StatusOK:
		p.printed[sheet.Page] = sheet.Lines
	}
	if status != http.StatusOK {
		http.Error(w, strings.ToLower(http.StatusText(status)), status)
	}
}

// report asks for another one and holds it against the books.
func (e *evening) report(ctx context.Context, f page) (printed bool, err error) {
	e.named++
	e.name = fmt.Sprintf("evening-%d", e.named)
	return e.ask(ctx, f)
}

// ask asks for the present report. Who was refused may ask once more.
func (e *evening) ask(ctx context.Context, f page) (printed bool, err error) {
	e.mu.Lock()
	e.pinned, e.active = false, time.Now()
	if e.name != e.asked.name {
		e.asked.name, e.asked.delivered = e.name, e.delivered
	}
	e.mu.Unlock()
	e.things.Store(0)
	e.printer.begin(e.name, f)
	status, text, err := e.answer(ctx, "/report?name="+url.QueryEscape(e.name))
	lines, failed := e.printer.end()
	if err := errors.Join(failed, err); err != nil {
		return false, err
	}
	if status == 0 {
		e.missingNote("%s did not come: %s", e.name, text)
		return false, nil
	}
	if status != http.StatusOK {
		e.missingNote("%s was answered with: %d %s", e.name, status, strings.TrimSpace(text))
		return false, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	n, how := e.books.wrong(lines, e.asked.delivered, e.delivered)
	if e.wrong += n; n > 0 && e.wrongAt == "" {
		e.wrongAt = fmt.Sprintf("in %s, %s", e.name, how)
	}
	return true, nil
}

func (e *evening) missingNote(format string, args ...any) {
	if e.missingAt == "" {
		e.missingAt = fmt.Sprintf(format, args...)
	}
}

// How long the program may do nothing: neither print nor ask anything of MySQL.
// What is right takes milliseconds. Once it did, others are waited for less.
const (
	patience = 10 * time.Second
	hurry    = 2 * time.Second
)

// tireless is who has sent so many things to MySQL for one report: what is right
// needs a few, or a few for each line. It will ask for ever.
const tireless = 1000

// answer is what the program says in the end; status 0 if it has stopped doing anything.
func (e *evening) answer(ctx context.Context, path string) (status int, text string, err error) {
	wait := patience
	if e.missing > 0 {
		wait = hurry
	}
	idle := fmt.Errorf("for %s it neither printed nor asked MySQL anything", wait)
	restless := fmt.Errorf("it sent %d things to MySQL, and was not done", tireless)
	limit, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		status, text, err = e.program.Ask(limit, http.MethodPost, path, "")
	}()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			switch context.Cause(limit) {
			case idle:
				waiting, err := e.mysql.Waiting(ctx, reports)
				return 0, fmt.Sprintf("%v; %d of its connections waited for a lock", idle, waiting), err
			case restless:
				return 0, restless.Error(), nil
			}
			return status, text, err
		case <-tick.C:
			e.mu.Lock()
			since := time.Since(e.active)
			e.mu.Unlock()
			if since > wait && !e.printer.printing() {
				cancel(idle)
			}
			if e.things.Load() > tireless && !e.printer.printing() {
				cancel(restless)
			}
		}
	}
}

package playground

import (
	"bytes"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/report"
	"faultlab/internal/rig"
	"faultlab/internal/trial"
)

// handler answers the requests of Client. Each needs the token, which only the
// user can read.
func (o *owner) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", o.getStatus)
	mux.HandleFunc("GET /events", o.getEvents)
	mux.HandleFunc("POST /down", o.postDown)
	mux.HandleFunc("POST /reset", stream(o, true, func(ctx context.Context, _ struct{}) (struct{}, error) {
		return struct{}{}, o.reset(ctx)
	}))
	mux.HandleFunc("POST /apply", stream(o, false, o.apply))
	mux.HandleFunc("POST /check", stream(o, false, o.check))
	want := []byte("Bearer " + o.state.Token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			http.Error(w, "the token is wrong", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// Status is what only the owner knows.
type Status struct {
	Phase   Phase             `json:"phase"`
	Servers map[string]string `json:"servers"` // the containers' states
	Traffic string            `json:"traffic"` // in words
	Applied *Applied          `json:"applied,omitempty"`
}

func (o *owner) getStatus(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	s := Status{Phase: o.state.Phase, Servers: map[string]string{}, Traffic: o.traffic.says(o.live)}
	if n := len(o.changes.applied); n > 0 {
		s.Applied = &o.changes.applied[n-1]
	}
	live := o.live
	o.mu.Unlock()
	if live != nil && s.Phase == Up {
		for _, n := range live.Rig().(*rig.Rig).Nodes() {
			state, err := n.State(r.Context())
			if err != nil {
				state = "gone"
			}
			s.Servers[n.Name()] = state
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s) // whoever asked has left
}

// getEvents tells how the playground comes up, from the beginning, until it is.
func (o *owner) getEvents(w http.ResponseWriter, r *http.Request) {
	ear, quit := o.hear(true)
	defer quit()
	out := newLines(w)
	for {
		o.mu.Lock()
		coming := o.state.Phase == Starting
		o.mu.Unlock()
		select {
		case m := <-ear:
			out.write(m)
			if m.End {
				return
			}
		case <-time.After(5 * time.Millisecond):
			if !coming && len(ear) == 0 {
				out.write(message{End: true})
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// postDown tells of the end as it comes.
func (o *owner) postDown(w http.ResponseWriter, r *http.Request) {
	ear, quit := o.hear(false)
	defer quit()
	o.down()
	out := newLines(w)
	for {
		select {
		case m := <-ear:
			out.write(m)
			if m.End {
				return
			}
		case <-time.After(time.Minute):
			return
		}
	}
}

// lines writes messages, one a line, as they come.
type lines struct {
	enc   *json.Encoder
	flush func() error
}

func newLines(w http.ResponseWriter) lines {
	w.Header().Set("Content-Type", "application/x-ndjson")
	l := lines{json.NewEncoder(w), http.NewResponseController(w).Flush}
	_ = l.flush()
	return l
}

// write passes one on, if anybody is still there.
func (l lines) write(m message) {
	_ = l.enc.Encode(m)
	_ = l.flush()
}

// stream makes a handler of something that is done with the servers: one at a
// time, with what happens meanwhile as the answer, and the result at its end.
// What is detached goes on when whoever asked has left.
func stream[In, Out any](o *owner, detached bool, do func(context.Context, In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		decoded := json.NewDecoder(r.Body).Decode(&in) // before the answer begins, which closes it
		out := newLines(w)
		end := func(v any, err error) {
			m := message{End: true}
			if err != nil {
				m.Error = refusal(err)
			} else if m.Result, err = json.Marshal(v); err != nil {
				m.Error = refusal(err)
			}
			out.write(m)
		}
		if decoded != nil {
			end(nil, fmt.Errorf("read request: %w", decoded))
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		if detached {
			ctx = context.WithoutCancel(ctx)
		}
		ear, quit := o.hear(false)
		defer quit()
		type answer struct {
			v   Out
			err error
		}
		done := make(chan answer, 1)
		go func() {
			var a answer
			if a.err = o.take(ctx, detached, func(m message) { ear <- m }); a.err == nil {
				a.v, a.err = do(ctx, in)
				<-o.busy
			}
			o.mu.Lock()
			resume := o.resume
			o.mu.Unlock()
			resume()
			done <- a
		}()
		for {
			select {
			case m := <-ear:
				if !m.End {
					out.write(m)
				}
			case a := <-done:
				for len(ear) > 0 {
					out.write(<-ear)
				}
				end(a.v, a.err)
				return
			}
		}
	}
}

// take waits until nobody else works on the servers. Traffic gives way; the
// first measurement of the broken state only when all starts anew.
func (o *owner) take(ctx context.Context, anew bool, wait func(message)) error {
	o.mu.Lock()
	yield, halt, measured := o.yield, o.halt, o.traffic.measured || o.traffic.broken != nil
	o.mu.Unlock()
	if anew {
		halt()
	} else if !measured {
		wait(message{Phase: lab.Measure, Text: "waiting until the broken state is measured"})
	}
	for {
		yield()
		select {
		case o.busy <- struct{}{}:
			o.mu.Lock()
			up := o.live != nil && o.state.Phase == Up
			o.mu.Unlock()
			if !up {
				<-o.busy
				return errors.New("the playground is not up")
			}
			return nil
		case <-ctx.Done():
			return fmt.Errorf("wait for the playground: %w", context.Cause(ctx))
		case <-time.After(50 * time.Millisecond): // the program may just have begun
			o.mu.Lock()
			yield = o.yield
			o.mu.Unlock()
		}
	}
}

// Applied is a fix that was put onto the playground.
type Applied struct {
	Variant string    `json:"variant"`
	At      time.Time `json:"at"`
	Error   string    `json:"error,omitempty"` // it stopped there
	files   map[string]string
}

type applyRequest struct {
	Variant string `json:"variant"`
}

// apply puts a variant onto the servers, or makes it the program that runs.
func (o *owner) apply(ctx context.Context, in applyRequest) (*Applied, error) {
	v, err := fix.Read(trial.Dir(o.root, o.lab.Name), in.Variant, o.lab.Fix)
	if err != nil {
		return nil, &Refusal{err.Error(), Usage}
	}
	if o.lab.Fix.Program {
		// Built now, so that the compiler's words reach whoever asked.
		if _, err := fix.Build(ctx, v, o.scratch); err != nil {
			return nil, err
		}
	}
	o.mu.Lock()
	live := o.live
	o.mu.Unlock()
	r := live.Rig().(*rig.Rig)
	before, err := look(ctx, r)
	if err != nil {
		return nil, err
	}
	applied := Applied{Variant: v.Name, At: time.Now(), files: v.Files}
	failed := live.Apply(ctx, v)
	if failed != nil {
		applied.Error = failed.Error()
	}
	after, err := look(context.WithoutCancel(ctx), r)
	if err != nil {
		return nil, errors.Join(failed, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.changes.apply(applied, before, after)
	if o.lab.Fix.Program {
		o.traffic.variant = v
	}
	return &applied, failed
}

type checkRequest struct {
	Report report.Options `json:"report"`
}

// Checked is a live check.
type Checked struct {
	Verdict lab.Verdict     `json:"verdict"`
	Text    string          `json:"text"` // for a person
	Result  json.RawMessage `json:"result"`
	Notes   []string        `json:"notes"` // how what is here differs from fix/
}

// check judges what is there now.
func (o *owner) check(ctx context.Context, in checkRequest) (*Checked, error) {
	o.mu.Lock()
	live, v, broken := o.live, o.traffic.variant, o.traffic.broken
	o.mu.Unlock()
	if broken != nil {
		return nil, broken
	}
	mine, merr := fix.Read(trial.Dir(o.root, o.lab.Name), "fix", o.lab.Fix)
	if !o.lab.Fix.Program && merr == nil {
		v = mine // what a script lab reads beside what is applied
	}
	now, err := look(ctx, live.Rig().(*rig.Rig))
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	notes := o.changes.notes(now, mine, merr)
	o.mu.Unlock()
	var res *lab.Result
	err = o.aside(ctx, live, func() error { res = live.Check(ctx, v); return nil })
	if res == nil {
		return nil, err
	}
	var text, doc bytes.Buffer
	if err := errors.Join(report.Text(&text, res, in.Report), report.JSON(&doc, res)); err != nil {
		return nil, err
	}
	return &Checked{Verdict: res.Verdict, Text: text.String(), Result: doc.Bytes(), Notes: notes}, nil
}

package playground

import (
	"encoding/json"
	"errors"
	"time"

	"faultlab/internal/lab"
)

// message is one line of what the owner answers: events while a request goes
// on, then one that ends it.
type message struct {
	Phase   lab.Phase     `json:"phase,omitempty"`
	Done    bool          `json:"done,omitempty"`
	Elapsed time.Duration `json:"elapsed,omitempty"`
	Err     string        `json:"err,omitempty"`
	Text    string        `json:"text,omitempty"`

	End    bool            `json:"end,omitempty"`
	Error  *Refusal        `json:"error,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
}

// Refusal is the owner's error, and whose it is.
type Refusal struct {
	Text string `json:"text"`
	Kind Kind   `json:"kind"`
}

func (r *Refusal) Error() string { return r.Text }

// Kind is whose error a Refusal is.
type Kind string

// Usage is what was asked for, Theirs the fix, Ours this machine or the lab.
const (
	Usage  Kind = "usage"
	Theirs Kind = "theirs"
	Ours   Kind = "ours"
)

// refusal makes one of an error.
func refusal(err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	var f *lab.Fault
	var inv *lab.Invalid
	switch {
	case errors.As(err, &inv):
		return &Refusal{inv.Error(), Ours}
	case errors.As(err, &f):
		return &Refusal{f.Error(), Theirs}
	}
	return &Refusal{err.Error(), Ours}
}

func eventMessage(e lab.Event) message {
	m := message{Phase: e.Phase, Done: e.Done, Elapsed: e.Elapsed, Text: e.Text}
	if e.Err != nil {
		m.Err = e.Err.Error()
	}
	return m
}

func (m message) event() lab.Event {
	e := lab.Event{Phase: m.Phase, Done: m.Done, Elapsed: m.Elapsed, Text: m.Text}
	if m.Err != "" {
		e.Err = errors.New(m.Err)
	}
	return e
}

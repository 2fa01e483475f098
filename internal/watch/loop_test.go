package watch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"faultlab/internal/lab"
)

// desk is a fix that is edited, and a run that takes a minute and tears down in
// ten seconds.
type desk struct {
	mu    sync.Mutex
	fix   string
	err   error
	log   []string
	start time.Time
}

func (d *desk) edit(fix string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fix, d.err = fix, err
}

func (d *desk) look() (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fix, d.err
}

func (d *desk) write(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, fmt.Sprintf("%d ", int(time.Since(d.start).Seconds()))+fmt.Sprintf(format, args...))
}

func (d *desk) run(ctx context.Context) {
	fix, _ := d.look()
	d.write("run %s", fix)
	select {
	case <-ctx.Done():
		if context.Cause(ctx) != lab.ErrDropped {
			d.write("ended by %v", context.Cause(ctx))
		}
		time.Sleep(10 * time.Second)
		d.write("dropped %s", fix)
	case <-time.After(time.Minute):
		d.write("done %s", fix)
	}
}

func TestLoop(t *testing.T) {
	gone := errors.New("fix/ is missing")
	for name, c := range map[string]struct {
		does func(d *desk, again chan struct{})
		want string
	}{
		"the first run starts at once, and nothing starts another": {
			func(*desk, chan struct{}) { time.Sleep(time.Hour) },
			"0 run a, 60 done a",
		},
		"an edit starts a run": {
			func(d *desk, _ chan struct{}) {
				time.Sleep(100 * time.Second)
				d.edit("b", nil)
				time.Sleep(time.Hour)
			},
			"0 run a, 60 done a, 100 run b, 160 done b",
		},
		"a burst of edits starts one": {
			func(d *desk, _ chan struct{}) {
				time.Sleep(100 * time.Second)
				for i := range 20 {
					d.edit(fmt.Sprint("b", i), nil)
					time.Sleep(200 * time.Millisecond)
				}
				time.Sleep(time.Hour)
			},
			"0 run a, 60 done a, 104 run b19, 164 done b19",
		},
		"an edit that changes nothing, or is taken back at once, starts none": {
			func(d *desk, _ chan struct{}) {
				time.Sleep(100 * time.Second)
				d.edit("a", nil)
				time.Sleep(time.Minute)
				d.edit("b", nil)
				time.Sleep(400 * time.Millisecond)
				d.edit("a", nil)
				time.Sleep(time.Hour)
			},
			"0 run a, 60 done a",
		},
		"a newer fix ends the run, and waits until it has torn down": {
			func(d *desk, _ chan struct{}) {
				time.Sleep(20 * time.Second)
				d.edit("b", nil)
				time.Sleep(5 * time.Second)
				d.edit("c", nil)
				time.Sleep(time.Hour)
			},
			"0 run a, 30 dropped a, 30 run c, 90 done c",
		},
		"what was dropped is run again when the edit is taken back": {
			func(d *desk, _ chan struct{}) {
				time.Sleep(20 * time.Second)
				d.edit("b", nil)
				time.Sleep(5 * time.Second)
				d.edit("a", nil)
				time.Sleep(time.Hour)
			},
			"0 run a, 30 dropped a, 30 run a, 90 done a",
		},
		"a fix that can't be run is said once": {
			func(d *desk, _ chan struct{}) {
				time.Sleep(20 * time.Second)
				d.edit("", gone)
				time.Sleep(time.Hour)
				d.edit("b", nil)
				time.Sleep(time.Hour)
			},
			"0 run a, 30 dropped a, 30 fix/ is missing, 3620 run b, 3680 done b",
		},
		"a file that an editor replaces was never away": {
			func(d *desk, _ chan struct{}) {
				time.Sleep(100 * time.Second)
				d.edit("", gone)
				time.Sleep(400 * time.Millisecond)
				d.edit("b", nil)
				time.Sleep(time.Hour)
			},
			"0 run a, 60 done a, 101 run b, 161 done b",
		},
		"r runs again, also while a run goes on": {
			func(_ *desk, again chan struct{}) {
				time.Sleep(100 * time.Second)
				again <- struct{}{}
				time.Sleep(20 * time.Second)
				again <- struct{}{}
				time.Sleep(time.Hour)
			},
			"0 run a, 60 done a, 100 run a, 130 dropped a, 130 run a, 190 done a",
		},
		"the end waits until the run has torn down": {
			func(*desk, chan struct{}) { time.Sleep(20 * time.Second) },
			"0 run a, 30 dropped a",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &desk{fix: "a", start: time.Now()}
				ctx, cancel := context.WithCancelCause(t.Context())
				again := make(chan struct{})
				done := make(chan struct{})
				go func() {
					defer close(done)
					Loop{Look: d.look, Run: d.run, Broken: func(err error) { d.write("%v", err) }}.Watch(ctx, again)
				}()
				c.does(d, again)
				cancel(errors.New("interrupted"))
				<-done
				if got := strings.Join(d.log, ", "); got != c.want {
					t.Errorf("\n got %s\nwant %s", got, c.want)
				}
			})
		})
	}
}

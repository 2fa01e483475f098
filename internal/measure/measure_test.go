package measure

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"faultlab/internal/lab"
)

func TestUntil(t *testing.T) {
	for _, c := range []struct {
		name string
		fact func(ctx context.Context, n int) (string, bool, error) // n counts from 1
		want string                                                 // empty: no error
		n    int                                                    // calls at most
	}{
		{"at once", func(context.Context, int) (string, bool, error) { return "", true, nil }, "", 1},
		{"third time", func(_ context.Context, n int) (string, bool, error) { return "lag 5", n == 3, nil }, "", 3},
		{"after errors", func(_ context.Context, n int) (string, bool, error) {
			if n < 3 {
				return "", true, errors.New("not up yet")
			}
			return "", true, nil
		}, "", 3},
		{"never", func(context.Context, int) (string, bool, error) { return "lag 5", false, nil },
			"wait until caught up: too late; last seen: lag 5", 150},
		{"only errors", func(context.Context, int) (string, bool, error) { return "", false, errors.New("not up yet") },
			"wait until caught up: too late; last seen: not up yet", 150},
		{"cut off", func(ctx context.Context, n int) (string, bool, error) {
			if n == 1 {
				return "lag 5", false, nil
			}
			<-ctx.Done()
			return "", false, ctx.Err()
		}, "wait until caught up: too late; last seen: lag 5", 2},
		{"cut off at once", func(ctx context.Context, n int) (string, bool, error) { <-ctx.Done(); return "", false, ctx.Err() },
			"wait until caught up: too late; last seen: context deadline exceeded", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				late := errors.New("too late")
				ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, late)
				defer cancel()
				n := 0
				err := Until(ctx, "caught up", func(ctx context.Context) (string, bool, error) {
					n++
					return c.fact(ctx, n)
				})
				switch {
				case c.want == "" && err != nil:
					t.Error(err)
				case c.want != "" && (err == nil || err.Error() != c.want || !errors.Is(err, late)):
					t.Errorf("error %v, want %s", err, c.want)
				}
				if n > c.n {
					t.Errorf("asked %d times", n)
				}
			})
		})
	}
}

func TestEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second+time.Millisecond)
		defer cancel()
		n := 0
		if err := Every(ctx, time.Second, func(context.Context) error { n++; return nil }); err != nil || n != 11 {
			t.Errorf("%d calls, %v", n, err)
		}
		if err := Every(ctx, time.Second, func(context.Context) error { t.Error("called after the end"); return nil }); err != nil {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		oh := errors.New("oh no")
		n := 0
		if err := Every(t.Context(), time.Second, func(context.Context) error {
			if n++; n == 3 {
				return oh
			}
			return nil
		}); err != oh || n != 3 {
			t.Errorf("%d calls, %v", n, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := Every(ctx, time.Hour, func(ctx context.Context) error { <-ctx.Done(); return errors.New("bad connection") }); err != nil {
			t.Errorf("cut off: %v", err)
		}
	})
}

func TestWhile(t *testing.T) {
	oh := errors.New("oh no")
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, c := range []struct {
		name      string
		sample, f func(context.Context) error
		check     func(error) bool
	}{
		{"good", nil, nil, func(err error) bool { return err == nil }},
		{"f fails", nil, func(context.Context) error { return oh }, func(err error) bool { return err == oh }},
		{"sample fails", func(context.Context) error { return oh }, hang, func(err error) bool {
			var inv *lab.Invalid
			return errors.As(err, &inv)
		}},
		{"sample panics", func(context.Context) error { panic("oh no") }, hang, func(err error) bool {
			var inv *lab.Invalid
			return errors.As(err, &inv)
		}},
		{"sample blames", func(context.Context) error { return lab.Blame("lag", oh) }, hang, func(err error) bool {
			var f *lab.Fault
			return errors.As(err, &f) && f.Check == "lag"
		}},
		{"sample cut off", hang, nil, func(err error) bool { return err == nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				if c.sample == nil {
					c.sample = func(context.Context) error { n++; return nil }
				}
				if c.f == nil {
					c.f = func(context.Context) error { time.Sleep(time.Second); return nil }
				}
				began := time.Now()
				if err := While(t.Context(), 100*time.Millisecond, c.sample, c.f); !c.check(err) {
					t.Errorf("error %v", err)
				}
				if time.Since(began) > time.Second {
					t.Errorf("took %s", time.Since(began))
				}
				if c.name == "good" && (n < 10 || n > 11) {
					t.Errorf("%d samples", n)
				}
			})
		})
	}
}

// A fact that does not come about is no error; an end of the context is.
func TestSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, calls := time.Now(), 0
		err := Soon(t.Context(), time.Minute, "it comes", func() bool { calls++; return calls == 3 })
		if err != nil || calls != 3 {
			t.Errorf("third time: %v after %d calls", err, calls)
		}
		err = Soon(t.Context(), 10*time.Second, "it comes", func() bool { return false })
		if took := time.Since(began); err != nil || took < 10*time.Second || took > 12*time.Second {
			t.Errorf("never: %v after %s", err, took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := Soon(ctx, time.Minute, "it comes", func() bool { return false }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cut off: %v", err)
		}
	})
}

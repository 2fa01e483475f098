package measure

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestWave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := Send(5, func(i int) error { time.Sleep(time.Duration(i) * time.Second); return nil })
		if late, err := w.Within(t.Context(), 2500*time.Millisecond); late != 2 || err != nil {
			t.Errorf("after 2.5 s %d of 5 are late, %v", late, err)
		}
		if err := w.Wait(t.Context()); err != nil || w.Ended() != w.Size {
			t.Errorf("%d of %d ended, %v", w.Ended(), w.Size, err)
		}
		broken := errors.New("broken")
		if err := Send(2, func(i int) error { return []error{nil, broken}[i] }).Wait(t.Context()); !errors.Is(err, broken) {
			t.Errorf("error %v", err)
		}
	})
}

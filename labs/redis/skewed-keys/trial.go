package skewedkeys

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/redis"
)

// How much is done in one measurement.
const (
	rounds    = 50    // of writes and reads while the program moves, at least
	atOnce    = 8     // cards that are overwritten at once in each of them
	crosswise = 200   // cards that are written through one instance and read through the other
	popular   = 1_000 // cards whose reads are counted
	times     = 3     // how often each of them is read
	picks     = 200   // reads of several cards that are counted
	handful   = 10    // cards in one of them
	page      = 100   // cards in one request when all are compared
)

// moving is what a node has of a processor until the move is through. With a
// whole one the move takes under a second, which is no time to do anything in.
const moving = 0.1

// moveLimit ends a move that hangs.
const moveLimit = 2 * time.Minute

// trial is one measurement of one program.
type trial struct {
	*stage
	r        *lab.Readings
	prog     *fix.Program
	one, two service
	begin    []redis.Counters
	perm     []int // of stock.there
	written  map[article]bool
	unsure   map[article]bool // a write of it was refused: it may be there or not
	coming   map[article]bool // nobody has put it yet
	early    int64            // cards that were still to be moved when /moved said 200

	mu      sync.Mutex
	wrong   int
	refused int
}

// measure deploys v as a person would, with the service's traffic going on,
// and counts at the nodes what it does.
func (s *stage) measure(ctx context.Context, v lab.Variant, r *lab.Readings) error {
	if err := s.reset(ctx); err != nil {
		return err
	}
	t, err := s.trial(ctx, v, r)
	if err != nil {
		return err
	}
	for _, a := range s.stock.added {
		t.coming[a] = true
	}
	if t.begin, err = t.counters(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the programs that still run
	for _, step := range []func(context.Context) error{
		t.interrupt, t.deploy, t.join, t.across, t.arrive, t.count, t.compare, t.weigh,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	r.Set("refused-writes", "writes", float64(t.refused))
	r.Set("wrong-answers", "answers", float64(t.wrong))
	left, err := t.old(ctx)
	r.Set("moved-too-early", "cards", float64(max(0, t.early-left)))
	return err
}

func (s *stage) trial(ctx context.Context, v lab.Variant, r *lab.Readings) (*trial, error) {
	prog, err := fix.Build(ctx, v, s.env.Scratch)
	return &trial{
		stage: s, r: r, prog: prog,
		perm:    s.stock.rand("perm", 0).Perm(len(s.stock.there)),
		written: map[article]bool{}, unsure: map[article]bool{}, coming: map[article]bool{},
	}, err
}

// serve starts an instance of the program and waits until it listens.
func (t *trial) serve(ctx context.Context) (service, error) {
	s, err := t.start(ctx)
	if err != nil {
		return s, err
	}
	ctx, cancel := context.WithTimeout(ctx, moveLimit) // it may move before it listens
	defer cancel()
	return s, s.Listening(ctx)
}

func (t *trial) start(ctx context.Context) (service, error) {
	p, err := t.prog.Serve(ctx, fix.Options{
		Env: t.cluster.Env(),
		Log: filepath.Join(t.env.Scratch, "program.log"),
	})
	return service{p}, err
}

// interrupt kills the program three times while it moves, which is mostly in the
// largest store in whatever order it goes; or once, when it says that it has
// none to move. It polls without a pause, with slow nodes.
func (t *trial) interrupt(ctx context.Context) error {
	all, before, err := t.elsewhere(ctx)
	if err != nil {
		return err
	}
	if err := t.slow(ctx, moving); err != nil {
		return err
	}
	for eighth := int64(1); eighth < 4; eighth++ { // most is left for deploy
		// A third of what is moved stays on the fullest node.
		moved, err := t.killAt(ctx, before+(all-before)*2/3*eighth/8)
		if err != nil {
			return err
		}
		if moved {
			return t.claim(ctx)
		}
	}
	return nil
}

// killAt starts the program and kills it when the other nodes have so many
// bytes, or when it says that it has moved all.
func (t *trial) killAt(ctx context.Context, bytes int64) (moved bool, err error) {
	s, err := t.start(ctx)
	if err != nil {
		return false, err
	}
	defer s.Kill()
	late := lab.Blame(lab.ApplyCheck, fmt.Errorf("GET /moved is not 200, and fewer cards were moved within %s than there are", moveLimit))
	limited, cancel := context.WithTimeoutCause(ctx, moveLimit, late)
	defer cancel()
	for {
		_, now, err := t.elsewhere(ctx)
		if err != nil {
			return false, err
		}
		if err := errors.Join(context.Cause(limited), s.Ended()); err != nil {
			return false, err
		}
		if moved = s.saysMoved(limited); moved || now > bytes {
			t.env.Log("kill the program: the other nodes have %d bytes", now)
			return moved, nil
		}
	}
}

// old is how many cards are where start/ has them.
func (t *trial) old(ctx context.Context) (n int64, err error) {
	stores := map[string]bool{}
	for _, a := range t.stock.there {
		if stores[a.store] {
			continue
		}
		stores[a.store] = true
		fields, err := t.cluster.Client().HLen(ctx, place(a.store)).Result()
		if err != nil && !redis.IsReply(err) {
			return 0, fmt.Errorf("count the cards of %s: %w", a.store, err)
		}
		n += fields
	}
	return n, nil
}

// claim takes down what is at the old place while the program says that all is moved.
func (t *trial) claim(ctx context.Context) error {
	n, err := t.old(ctx)
	t.early = max(t.early, n)
	return err
}

// slow gives each node so much of a processor.
func (t *trial) slow(ctx context.Context, cpus float64) error {
	for _, n := range t.cluster.Primaries() {
		if err := n.Node().Limit(ctx, cpus, 0); err != nil {
			return err
		}
	}
	return nil
}

// elsewhere is how much data there is at all, and on other nodes than the fullest.
func (t *trial) elsewhere(ctx context.Context) (all, others int64, err error) {
	bytes, err := t.bytes(ctx)
	if err != nil {
		return 0, 0, err
	}
	return sum(bytes), sum(bytes) - slices.Max(bytes), nil
}

// deploy overwrites and reads cards while the program moves the rest.
func (t *trial) deploy(ctx context.Context) (err error) {
	if t.one, err = t.serve(ctx); err != nil {
		return err
	}
	slow := fmt.Errorf("GET /moved did not say 200 within %s", moveLimit)
	ctx, cancel := context.WithTimeoutCause(ctx, moveLimit, slow)
	defer cancel()
	var wrote []article
	for i := 0; ; i++ {
		if i >= rounds {
			if ok, err := t.one.moved(ctx); ok || err != nil {
				t.env.Log("GET /moved is 200 after %d writes", len(wrote))
				return errors.Join(err, t.claim(ctx), t.slow(ctx, 1))
			}
		}
		list, err := t.unmoved(ctx, i)
		if err != nil {
			return err
		}
		wrote = append(wrote, list...)
		if err := t.overwrite(ctx, t.one, list...); err != nil {
			return err
		}
		// One that nobody wrote, one that was written some time ago, one that there is not.
		for _, a := range []article{t.at(len(t.perm) - 1 - i), wrote[len(wrote)/2], t.stock.added[i%len(t.stock.added)]} {
			if err := t.check(ctx, t.one, a); err != nil {
				return err
			}
		}
		if i%2 == 0 {
			if err := t.checkSome(ctx, t.one, i); err != nil {
				return err
			}
		}
	}
}

// unmoved are cards of the largest store that are still to be moved, or any if
// there are none. The fewer there are, the likelier the program has just read them.
func (t *trial) unmoved(ctx context.Context, i int) ([]article, error) {
	store := t.stock.there[0].store
	skus, err := t.cluster.Client().HRandField(ctx, place(store), atOnce).Result()
	if err != nil && !redis.IsReply(err) {
		return nil, fmt.Errorf("look for cards to overwrite: %w", err)
	}
	var list []article
	for _, sku := range skus {
		list = append(list, article{store, sku})
	}
	for len(list) < atOnce {
		list = append(list, t.at(i*atOnce+len(list)))
	}
	return list, nil
}

// checkSome reads some cards of the largest store in one request, and one that
// the store does not have yet.
func (t *trial) checkSome(ctx context.Context, s service, i int) error {
	from := t.perm[i%len(t.perm)] % (largest - handful)
	list := append(slices.Clone(t.stock.there[from:from+handful-1]), t.stock.added[i%arrived])
	n, err := t.miss(ctx, s, list, "wrong-answers")
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wrong += n
	return err
}

// join starts the second instance.
func (t *trial) join(ctx context.Context) (err error) {
	t.two, err = t.servesAll(ctx)
	return err
}

// servesAll starts an instance and waits until it has nothing to move.
func (t *trial) servesAll(ctx context.Context) (service, error) {
	s, err := t.serve(ctx)
	if err != nil {
		return s, err
	}
	ctx, cancel := context.WithTimeout(ctx, moveLimit)
	defer cancel()
	return s, s.Until(ctx, "GET /moved says 200", func(ctx context.Context) (string, bool, error) {
		ok, err := s.moved(ctx)
		return "still moving", ok, err
	})
}

// either is one of the two instances in turn.
func (t *trial) either(i int) service {
	if i%2 == 0 {
		return t.one
	}
	return t.two
}

// across writes through each instance what the other has just read, and reads it
// there again; and reads what is still to come.
func (t *trial) across(ctx context.Context) error {
	for i := range crosswise {
		a, writer, reader := t.at(rounds*atOnce+i), t.either(i), t.either(i+1)
		if err := t.check(ctx, reader, t.stock.added[i*len(t.stock.added)/crosswise]); err != nil {
			return err
		}
		if err := t.checkSome(ctx, reader, i); err != nil {
			return err
		}
		if err := t.check(ctx, reader, a); err != nil {
			return err
		}
		if err := t.overwrite(ctx, writer, a); err != nil {
			return err
		}
		if err := t.check(ctx, reader, a); err != nil {
			return err
		}
	}
	return nil
}

// arrive puts cards that were not there before.
func (t *trial) arrive(ctx context.Context) error {
	t.coming = nil
	return measure.Each(ctx, t.stock.added, func(ctx context.Context, i int, a article) error {
		return t.put(ctx, t.either(i), a, 0)
	})
}

// at is the i-th article of a shuffled stock, which has no last one.
func (t *trial) at(i int) article {
	n := len(t.perm)
	return t.stock.there[t.perm[((i%n)+n)%n]]
}

// now is the card that a read must return.
func (t *trial) now(a article) string {
	if t.coming[a] {
		return absent
	}
	if t.written[a] {
		return t.stock.card(a, 1)
	}
	return t.stock.card(a, 0)
}

func (t *trial) overwrite(ctx context.Context, s service, list ...article) error {
	for _, a := range list {
		t.written[a] = true
	}
	return measure.Each(ctx, list, func(ctx context.Context, _ int, a article) error { return t.put(ctx, s, a, 1) })
}

func (t *trial) put(ctx context.Context, s service, a article, version int) error {
	ok, err := s.put(ctx, a, t.stock.card(a, version))
	if err == nil && !ok {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.refused++
		t.unsure[a] = true
	}
	return err
}

// check reads one card; only overwrite, which never runs beside it, writes what it looks up.
func (t *trial) check(ctx context.Context, s service, a article) error {
	got, err := s.card(ctx, a)
	if err != nil || got == t.now(a) {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.unsure[a] {
		return nil
	}
	t.wrong++
	t.r.Note("wrong-answers", "GET %s answered %.60q; the last PUT was %.60q", item(a), got, t.now(a))
	return nil
}

// miss reads cards of one store in one request and says how many were not as they must be; reading is what they count for.
func (t *trial) miss(ctx context.Context, s service, list []article, reading string) (int, error) {
	got, err := s.cards(ctx, list)
	if err != nil {
		return 0, err
	}
	n := 0
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range list {
		card, ok := got[a.sku]
		if want := t.now(a); !t.unsure[a] && (card != want || ok != (want != absent)) {
			n++
			t.r.Note(reading, "of %s there is %.60q; the last PUT was %.60q", item(a), got[a.sku], t.now(a))
		}
	}
	return n, nil
}

package skewedkeys

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/redis"
)

// How much is done in one measurement.
const (
	room       = 3 << 20 // bytes that the full node has left
	whileMoved = 400     // cards that are overwritten while the program moves
	crosswise  = 200     // cards that are written through one instance and read through the other
	popular    = 1_000   // cards whose reads are counted
	times      = 3       // how often each of them is read
	picks      = 200     // reads of several cards that are counted
	handful    = 10      // cards in one of them
	page       = 100     // cards in one request when all are compared
)

// moveLimit ends a move that hangs; on an idle machine it takes about a second.
const moveLimit = 2 * time.Minute

// stage is the cluster and what is on it.
type stage struct {
	env     lab.Env
	stock   *stock
	cluster *redis.Cluster
	used    bool // a measurement has changed the cards
}

// fill leaves the fullest node a little room, and gives all nodes the same.
func (s *stage) fill(ctx context.Context) error {
	var most int64
	for _, n := range s.cluster.Primaries() {
		in, err := n.Info(ctx, "memory")
		if err != nil {
			return err
		}
		most = max(most, in.Int("used_memory"))
	}
	s.env.Log("CONFIG SET maxmemory %d on all nodes", most+room)
	return s.limit(ctx, most+room)
}

func (s *stage) limit(ctx context.Context, bytes int64) error {
	for _, n := range s.cluster.Primaries() {
		if err := n.Client().ConfigSet(ctx, "maxmemory", fmt.Sprint(bytes)).Err(); err != nil {
			return fmt.Errorf("set maxmemory of %s: %w", n.Name(), err)
		}
	}
	return nil
}

// reset puts the cards back as the seed left them.
func (s *stage) reset(ctx context.Context) error {
	if !s.used {
		s.used = true
		return nil
	}
	if err := s.limit(ctx, 0); err != nil {
		return err
	}
	for _, n := range s.cluster.Primaries() {
		if err := n.Client().FlushAll(ctx).Err(); err != nil {
			return fmt.Errorf("empty %s: %w", n.Name(), err)
		}
	}
	if err := s.cluster.Load(ctx, s.stock.commands()); err != nil {
		return err
	}
	return s.fill(ctx)
}

// trial is one measurement of one program.
type trial struct {
	*stage
	prog    *fix.Program
	http    *http.Client
	perm    []int // of stock.there
	written map[article]bool
	unsure  map[article]bool // a write of it was refused: it may be there or not

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
	prog, err := fix.Build(ctx, v, s.env.Scratch)
	if err != nil {
		return err
	}
	t := &trial{
		stage: s, prog: prog,
		http:    &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
		perm:    s.stock.rand("perm", 0).Perm(len(s.stock.there)),
		written: map[article]bool{}, unsure: map[article]bool{},
	}
	defer t.http.CloseIdleConnections()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the programs that still run
	begin, err := t.counters(ctx)
	if err != nil {
		return err
	}

	if err := t.interrupt(ctx); err != nil {
		return err
	}
	one, err := t.serve(ctx)
	if err != nil {
		return err
	}
	if err := t.deploy(ctx, one); err != nil {
		return err
	}
	two, err := t.serve(ctx)
	if err != nil {
		return err
	}
	if err := t.waitMoved(ctx, two); err != nil {
		return err
	}
	pair := []service{one, two}
	if err := t.across(ctx, pair); err != nil {
		return err
	}
	if err := t.arrive(ctx, pair); err != nil {
		return err
	}
	if err := t.count(ctx, pair, r); err != nil {
		return err
	}
	one.Kill()
	two.Kill()
	three, err := t.serve(ctx)
	if err != nil {
		return err
	}
	if err := t.waitMoved(ctx, three); err != nil {
		return err
	}
	lost, err := t.compare(ctx, three)
	if err != nil {
		return err
	}
	three.Kill()
	r.Set("refused-writes", "writes", float64(t.refused))
	r.Set("wrong-answers", "answers", float64(t.wrong))
	r.Set("lost-cards", "cards", float64(lost))
	return t.weigh(ctx, begin, r)
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
	return service{p, t.http}, err
}

// interrupt kills the program in the middle of its move.
func (t *trial) interrupt(ctx context.Context) error {
	before, err := t.elsewhere(ctx)
	if err != nil {
		return err
	}
	s, err := t.start(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, moveLimit)
	defer cancel()
	var ours error
	err = s.Until(ctx, "the program moves cards, or says that it has moved them", func(ctx context.Context) (string, bool, error) {
		var now int64
		if now, ours = t.elsewhere(ctx); ours != nil || now > before+1<<20 {
			return "", true, nil
		}
		moved, err := s.moved(ctx)
		return "GET /moved is not 200, and no card has come to another node", moved, err
	})
	if err := errors.Join(ours, err); err != nil {
		return err
	}
	t.env.Log("kill the program while it moves")
	s.Kill()
	return nil
}

// elsewhere is how much data there is on other nodes than the fullest.
func (t *trial) elsewhere(ctx context.Context) (int64, error) {
	bytes, err := t.bytes(ctx)
	if err != nil {
		return 0, err
	}
	slices.Sort(bytes)
	return sum(bytes[:len(bytes)-1]), nil
}

func (t *trial) bytes(ctx context.Context) ([]int64, error) {
	var list []int64
	for _, n := range t.cluster.Primaries() {
		b, err := n.DataBytes(ctx)
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, nil
}

func (t *trial) waitMoved(ctx context.Context, s service) error {
	ctx, cancel := context.WithTimeout(ctx, moveLimit)
	defer cancel()
	return s.Until(ctx, "GET /moved says 200", func(ctx context.Context) (string, bool, error) {
		ok, err := s.moved(ctx)
		return "still moving", ok, err
	})
}

// deploy overwrites and reads cards while the program moves.
func (t *trial) deploy(ctx context.Context, s service) error {
	slow := lab.Blame(lab.ApplyCheck, fmt.Errorf("GET /moved did not say 200 within %s", moveLimit))
	ctx, cancel := context.WithTimeoutCause(ctx, moveLimit, slow)
	defer cancel()
	for i := 0; ; i++ {
		if i < whileMoved {
			if err := t.overwrite(ctx, s, t.at(i)); err != nil {
				return err
			}
		} else if ok, err := s.moved(ctx); ok || err != nil {
			return err
		}
		// One that nobody wrote, and one that was written some time ago.
		for _, a := range []article{t.at(len(t.perm) - 1 - i), t.at(i / 2)} {
			if err := t.check(ctx, s, a); err != nil {
				return err
			}
		}
	}
}

// across writes through each instance what the other has just read, and reads it there again.
func (t *trial) across(ctx context.Context, pair []service) error {
	for i := range crosswise {
		a, from, to := t.at(whileMoved+i), pair[i%2], pair[1-i%2]
		if err := errors.Join(t.check(ctx, to, a), t.overwrite(ctx, from, a), t.check(ctx, to, a)); err != nil {
			return err
		}
	}
	return nil
}

// arrive puts cards that were not there before.
func (t *trial) arrive(ctx context.Context, pair []service) error {
	return each(ctx, t.stock.added, func(ctx context.Context, i int, a article) error {
		return t.put(ctx, pair[i%2], a, 0)
	})
}

// count reads cards and counts at the nodes what that takes.
func (t *trial) count(ctx context.Context, pair []service, r *lab.Readings) error {
	m := t.stock.rand("reads", 0)
	sample := make([]article, popular)
	for i := range sample {
		sample[i] = t.at(m.IntN(len(t.perm)))
	}
	sample = slices.Repeat(sample, times)
	begin, err := t.counters(ctx)
	if err != nil {
		return err
	}
	err = each(ctx, sample, func(ctx context.Context, i int, a article) error { return t.check(ctx, pair[i%2], a) })
	if err != nil {
		return err
	}
	middle, err := t.counters(ctx)
	if err != nil {
		return err
	}
	err = each(ctx, t.handfuls(m.Perm(len(t.stock.there) / handful)[:picks]), func(ctx context.Context, i int, list []article) error {
		n, err := t.miss(ctx, pair[i%2], list)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.wrong += n
		return err
	})
	if err != nil {
		return err
	}
	end, err := t.counters(ctx)
	if err != nil {
		return err
	}
	var single, several, sent int64
	var work []int64
	for i := range begin {
		one, more := middle[i].Since(begin[i]), end[i].Since(middle[i])
		single, several, sent = single+one.Work(), several+more.Work(), sent+one.Sent
		work = append(work, one.Work()+more.Work())
		t.env.Log("%s: %v", t.cluster.Primaries()[i].Name(), one)
	}
	r.Set("commands-per-read", "commands", ratio(single, popular*times))
	r.Set("commands-per-picked-card", "commands", ratio(several, picks*handful))
	r.Set("reply-bytes-per-read", "bytes", math.Round(ratio(sent, popular*times)))
	r.Set("busiest-node", "× its share", skew(work))
	return nil
}

// compare reads all cards and counts those that are not what was last written.
func (t *trial) compare(ctx context.Context, s service) (int, error) {
	var lost int
	var mu sync.Mutex
	all := slices.Concat(t.stock.there, t.stock.added)
	err := each(ctx, pages(all), func(ctx context.Context, _ int, list []article) error {
		n, err := t.miss(ctx, s, list)
		mu.Lock()
		defer mu.Unlock()
		lost += n
		return err
	})
	return lost, err
}

// weigh reads what the cards take at the nodes.
func (t *trial) weigh(ctx context.Context, begin []redis.Counters, r *lab.Readings) error {
	bytes, err := t.bytes(ctx)
	if err != nil {
		return err
	}
	var key string
	var biggest int64
	slots := make([]int64, redis.Slots)
	err = t.cluster.Sizes(ctx, func(k string, n int64) {
		slots[redis.Slot(k)] += n
		if n > biggest {
			key, biggest = k, n
		}
	})
	if err != nil {
		return err
	}
	t.env.Log("biggest key: %s", key)
	end, err := t.counters(ctx)
	if err != nil {
		return err
	}
	var cross int64
	for i := range end {
		cross += end[i].Since(begin[i]).Errors["CROSSSLOT"]
	}
	cards := int64(len(t.stock.there) + len(t.stock.added) - len(t.unsure))
	r.Set("fullest-node", "× its share", skew(bytes))
	r.Set("memory-per-card", "bytes", math.Round(ratio(sum(bytes), cards)))
	r.Set("biggest-key", "bytes", float64(biggest))
	r.Set("biggest-slot", "bytes", float64(slices.Max(slots)))
	r.Set("crossslot-errors", "errors", float64(cross))
	return nil
}

// at is the i-th article of a shuffled stock, which has no last one.
func (t *trial) at(i int) article {
	n := len(t.perm)
	return t.stock.there[t.perm[((i%n)+n)%n]]
}

// now is the card that a read must return.
func (t *trial) now(a article) string {
	if t.written[a] {
		return t.stock.card(a, 1)
	}
	return t.stock.card(a, 0)
}

func (t *trial) overwrite(ctx context.Context, s service, a article) error {
	t.written[a] = true
	return t.put(ctx, s, a, 1)
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
	if t.wrong == 1 {
		t.env.Log("wrong answer: GET %s: got %.80q, want %.80q", item(a), got, t.now(a))
	}
	return nil
}

// miss reads cards of one store in one request and says how many were not as they must be.
func (t *trial) miss(ctx context.Context, s service, list []article) (int, error) {
	got, err := s.cards(ctx, list)
	if err != nil {
		return 0, err
	}
	n := 0
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, a := range list {
		if !t.unsure[a] && got[a.sku] != t.now(a) {
			n++
		}
	}
	return n, nil
}

// handfuls are the given tenths of the stock: some cards of one store each.
func (t *trial) handfuls(which []int) [][]article {
	var list [][]article
	for _, i := range which {
		list = append(list, t.stock.there[i*handful:(i+1)*handful])
	}
	return list
}

// pages cuts all into lists of at most page cards of one store.
func pages(all []article) [][]article {
	var list [][]article
	for from := 0; from < len(all); {
		to := from
		for to < len(all) && to < from+page && all[to].store == all[from].store {
			to++
		}
		list = append(list, all[from:to])
		from = to
	}
	return list
}

func (t *trial) counters(ctx context.Context) ([]redis.Counters, error) {
	var list []redis.Counters
	for _, n := range t.cluster.Primaries() {
		c, err := n.Counters(ctx)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// skew is the largest of list by their mean: 1 is even, len(list) is all in one.
func skew(list []int64) float64 {
	return math.Round(100*ratio(slices.Max(list)*int64(len(list)), sum(list))) / 100
}

func sum(list []int64) (n int64) {
	for _, x := range list {
		n += x
	}
	return n
}

func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return math.Round(100*float64(a)/float64(b)) / 100
}

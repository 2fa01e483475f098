package streamorders

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"faultlab/internal/lab"
	"faultlab/internal/measure"
)

// What the payment company says.
const (
	paid   = "paid"
	failed = "failed"
)

// order is one of a customer's, and what became of it.
type order struct {
	id      string
	results []string
	refused bool // by the card company
}

// callback is what the payment company says of an attempt to pay.
type callback struct {
	Order   string `json:"order"`
	Payment string `json:"payment"`
	Result  string `json:"result"`

	listed   bool // among what was heard
	accepted bool // a shop said 200
	refusals int  // other answers
	refused  string
}

// order makes one that nobody has paid.
func (t *trial) order(ctx context.Context) (*order, error) {
	o := &order{id: fmt.Sprintf("%08x-%d", t.rnd.Uint32(), 1000+len(t.orders))}
	t.orders = append(t.orders, o)
	err := t.redis.Client().HSet(ctx, o.key(), "status", "unpaid", "customer", t.rnd.IntN(1_000_000)).Err()
	if err != nil {
		return nil, fmt.Errorf("make an order: %w", err)
	}
	return o, nil
}

// paidEarly is what an older shop has done with an order.
func (t *trial) paidEarly(ctx context.Context, o *order) error {
	c := o.says(paid)
	c.listed, c.accepted = true, true
	t.heard = append(t.heard, c)
	_, err := t.redis.Client().TxPipelined(ctx, func(p goredis.Pipeliner) error {
		p.HSet(ctx, o.key(), "status", paid)
		p.XAdd(ctx, &goredis.XAddArgs{Stream: "paid", Values: []string{"order", o.id}})
		return nil
	})
	if err != nil {
		return fmt.Errorf("have an order paid: %w", err)
	}
	return nil
}

func (o *order) key() string { return "order:" + o.id }

// says is what the payment company says of another attempt to pay it.
func (o *order) says(result string) *callback {
	o.results = append(o.results, result)
	return &callback{Order: o.id, Payment: fmt.Sprintf("%s-p%d", o.id, len(o.results)), Result: result}
}

// want is what its status must be in the end.
func (o *order) want() string {
	switch {
	case slices.Contains(o.results, paid) && o.refused:
		return "refused"
	case slices.Contains(o.results, paid):
		return "issued"
	case slices.Contains(o.results, failed):
		return failed
	}
	return "unpaid"
}

// right says that an order is what it must be, and knows its card.
func (t *trial) right(ctx context.Context, o *order) (bool, error) {
	wrong, err := t.wrong(ctx, []*order{o})
	return len(wrong) == 0, err
}

// wrong says what of the orders' status and cards is not as it must be.
func (t *trial) wrong(ctx context.Context, orders []*order) (says []string, err error) {
	replies := make([]*goredis.SliceCmd, len(orders))
	_, err = t.redis.Client().Pipelined(ctx, func(p goredis.Pipeliner) error {
		for i, o := range orders {
			replies[i] = p.HMGet(ctx, o.key(), "status", "card")
		}
		return nil
	})
	if err != nil {
		if goredis.HasErrorPrefix(err, "WRONGTYPE") {
			return nil, lab.Blame("wrong-status", fmt.Errorf("an order is no hash any more: %w", err))
		}
		return nil, fmt.Errorf("read orders: %w", err)
	}
	for i, o := range orders {
		status, _ := replies[i].Val()[0].(string)
		card, _ := replies[i].Val()[1].(string)
		if want := o.want(); status != want || want == "issued" && !slices.Contains(t.company.of(o.id), card) {
			says = append(says, fmt.Sprintf("order %s is %q with card %q; the payment company said %s, the card company issued %v",
				o.id, status, card, strings.Join(o.results, ", "), t.company.of(o.id)))
		}
	}
	return says, nil
}

// evening notes which orders are paid and have no card, and which say something else
// than what became of them. What is said again on the next day may heal them; too late.
func (t *trial) evening(ctx context.Context) (err error) {
	for _, o := range t.orders {
		if o.want() == "issued" && len(t.company.of(o.id)) == 0 {
			t.cardless = append(t.cardless, o)
		}
	}
	t.strange, err = t.wrong(ctx, t.orders)
	return err
}

// readings holds what is there against what was said.
func (t *trial) readings(ctx context.Context, r *lab.Readings) error {
	var many int
	for _, o := range t.orders {
		due := 0
		if o.want() == "issued" {
			due = 1
		}
		cards := t.company.of(o.id)
		if over := len(cards) - due; over > 0 {
			many += over
			r.Note("too-many-cards", "order %s, of which the payment company said %s, has the cards %v", o.id, strings.Join(o.results, ", "), cards)
		}
	}
	for _, c := range t.heard {
		if !c.accepted {
			r.Note("no-card", "a shop never said 200 to a callback of order %s; its last answer was %s", c.Order, c.refused)
		}
	}
	for _, o := range t.cardless {
		r.Note("no-card", "order %s is paid and had no card in the evening", o.id)
	}
	wrong, err := t.wrong(ctx, t.orders)
	if err != nil {
		return err
	}
	strange := slices.Concat(t.strange, wrong)
	if len(strange) > 0 {
		r.Note("wrong-status", "%s", strange[0])
	}
	streams, err := t.redis.Streams(ctx)
	if err != nil {
		return err
	}
	r.Set("no-card", fmt.Sprintf("of %d orders", len(t.orders)), float64(len(t.cardless)))
	r.Set("too-many-cards", "cards", float64(many))
	r.Set("wrong-status", fmt.Sprintf("of %d orders", len(t.orders)), float64(max(len(t.strange), len(wrong))))
	r.Set("pending", "messages", float64(streams.Pending+streams.Undelivered))
	r.Note("pending", "%d were delivered and never acknowledged, %d were not delivered", streams.Pending, streams.Undelivered)
	r.Set("needless-calls", "calls", float64(t.company.needless))
	if t.company.seen != "" {
		r.Note("needless-calls", "%s", t.company.seen)
	}
	r.Set("stream-length", "entries", float64(streams.Length))
	return nil
}

// What shops that should do something may take. What is right takes milliseconds;
// only wrong ones are waited for.
const (
	quiet    = 1000 * time.Millisecond
	looking  = 12 // commands in which a shop would have found what there is to do
	patience = 10 * time.Second
	lie      = 300 * time.Millisecond
)

// soon waits until something is so, or until the shops have had every chance to make
// it so: what then follows tells.
func (t *trial) soon(ctx context.Context, what string, fact func(context.Context) (bool, error)) error {
	g, err := t.giveUp(ctx)
	if err != nil {
		return err
	}
	return measure.Until(ctx, what, func(ctx context.Context) (string, bool, error) {
		ok, err := fact(ctx)
		if err != nil || ok {
			return "", ok, err
		}
		over, err := g.over(ctx, quiet)
		return "not yet", over, err
	})
}

// happens is soon for what is told by a channel.
func (t *trial) happens(ctx context.Context, told <-chan struct{}) error {
	return t.soon(ctx, "the card company is asked", func(context.Context) (bool, error) {
		select {
		case <-told:
			return true, nil
		default:
			return false, nil
		}
	})
}

// looks waits until a shop has looked for what others have left and done what it then
// does, or has had every chance to.
func (t *trial) looks(ctx context.Context) error {
	before, err := t.claims(ctx)
	if err != nil {
		return err
	}
	const enough = 4 // XPENDING, XCLAIM, and both again
	return t.soon(ctx, "a shop looks for what others have left", func(ctx context.Context) (bool, error) {
		now, err := t.claims(ctx)
		return now >= before+enough, err
	})
}

// claims is how often shops have looked for what is pending, or taken it.
func (t *trial) claims(ctx context.Context) (int64, error) {
	c, err := t.redis.Counters(ctx)
	return c.Calls["xautoclaim"] + c.Calls["xpending"] + c.Calls["xclaim"], err
}

// settle waits until all is as it must be, or nothing changes any more. What is
// pending grows old meanwhile.
func (t *trial) settle(ctx context.Context) error {
	g, err := t.giveUp(ctx)
	if err != nil {
		return err
	}
	last, passed := "", 0
	return measure.Until(ctx, "the shops have done everything", func(ctx context.Context) (string, bool, error) {
		wrong, err := t.wrong(ctx, t.orders)
		if err != nil {
			return "", false, err
		}
		streams, err := t.redis.Streams(ctx)
		if err != nil {
			return "", false, err
		}
		if len(wrong) == 0 && streams.Pending+streams.Undelivered == 0 {
			return "", true, nil
		}
		state := fmt.Sprintf("%d orders are wrong, %d messages pending, %d not delivered", len(wrong), streams.Pending, streams.Undelivered)
		if state != last {
			last = state
			g, err = t.giveUp(ctx)
			return state, false, err
		}
		if over, err := g.over(ctx, quiet/4*time.Duration(1+passed)); err != nil || !over {
			return state, false, err
		}
		if passed < 3 {
			passed++
			return state, false, t.pass(ctx, minutes, 0)
		}
		return state, true, nil
	})
}

// chance is when shops began to have one.
type chance struct {
	*trial
	began time.Time
	work  int64
}

func (t *trial) giveUp(ctx context.Context) (chance, error) {
	c, err := t.redis.Counters(ctx)
	return chance{t, time.Now(), c.Work()}, err
}

// over says that nothing will come any more: the shops were not waited for, they have
// looked and done nothing.
func (c chance) over(ctx context.Context, enough time.Duration) (bool, error) {
	took := time.Since(c.began)
	if took < enough {
		return false, nil
	}
	now, err := c.redis.Counters(ctx)
	return now.Work()-c.work >= looking || took > patience, err
}

// reads are the commands that change no order.
var reads = map[string]bool{
	"get": true, "mget": true, "exists": true, "type": true, "ttl": true, "pttl": true, "hget": true, "hgetall": true, "hmget": true,
	"hexists": true, "hlen": true, "sismember": true, "smembers": true, "zscore": true, "zrange": true, "lrange": true, "scan": true,
	"watch": true, "unwatch": true, "eval_ro": true, "evalsha_ro": true, "script": true, "ping": true, "hello": true, "client": true,
	"xread": true, "xreadgroup": true, "xrange": true, "xrevrange": true, "xlen": true, "xpending": true, "xinfo": true, "xautoclaim": true,
}

// writes says whether what a shop sends changes something about an order, or ends its
// message.
func writes(sent []byte, order string) bool {
	if !bytes.Contains(sent, []byte(order)) && !bytes.Contains(bytes.ToLower(sent), []byte("xack")) {
		return false
	}
	lines := strings.SplitN(string(sent), "\r\n", 4) // *2, $7, HGETALL, …
	return len(lines) < 4 || !reads[strings.ToLower(lines[2])]
}

// Package skewedkeys is the lab kafka/skewed-keys: nine tenths of a topic's
// records have one key, so one partition of sixteen carries the whole day.
package skewedkeys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"faultlab/internal/fix"
	"faultlab/internal/kafka"
	"faultlab/internal/lab"
	"faultlab/internal/measure"
	"faultlab/internal/rig"
)

// Lab is the lab.
var Lab = &lab.Lab{
	Name:    "kafka/skewed-keys",
	Title:   "Fifteen consumers are idle, one is two hours behind",
	Level:   lab.Medium,
	Minutes: 40,
	Engines: []string{"kafka"},
	Memory:  500,
	Disk:    300,
	Notes: []lab.Source{
		{File: "004_7543862ffd92f53d.txt", First: 1275, Last: 1293},
		{File: "004_7543862ffd92f53d.txt", First: 5957, Last: 5965},
		{File: "004_7543862ffd92f53d.txt", First: 7203, Last: 7241},
	},
	Fix: lab.Program(),
	Checks: []lab.Check{
		lab.AtMost("skew", 2.5).Symptom().
			Else("one partition got more than two and a half times its share of some wave: its consumer falls behind while the others wait"),
		lab.AtLeast("big-merchant-partitions", 8).Symptom().
			Else("the biggest merchant of the morning or of the afternoon still sits on a few partitions"),
		lab.Equal("orders-out-of-order", 0).
			Else("events of one order went to different partitions, or backwards: a consumer sees it paid before it was created"),
		lab.Equal("merchants-split", 0).
			Else("a merchant of ordinary size is on several partitions: whoever adds up its day needs all of its events in one"),
		lab.Equal("lost", 0).
			Else("events that the gateway answered for with 2xx, or should have taken, are not in the topic as they came"),
		lab.Equal("doubled", 0).
			Else("the topic has events more than once, or records that nobody sent: the shop ships twice"),
	},
	New: newRun,
}

const (
	partitions = 16
	perRequest = 500
	famous     = "m-0815" // the merchant that the brief names; never in a measured day
)

type run struct {
	env   lab.Env
	kafka *kafka.Cluster
	days  int // measured so far
}

func newRun(env lab.Env) lab.Run {
	r := rig.New(env)
	x := &run{env: env, kafka: kafka.New(r, kafka.Config{})}
	return lab.Run{Rig: r, Seed: x.seed, Fingerprint: x.fingerprint, Measure: x.measure, Play: x.play}
}

// measure lets the variant's gateway publish a whole day to an empty topic.
func (x *run) measure(ctx context.Context, v lab.Variant, r *lab.Readings) error {
	x.days++
	topic, closed := fmt.Sprintf("day-%d", x.days), fmt.Sprintf("closed-%d", x.days)
	err := x.kafka.Create(ctx,
		kafka.Topic{Name: topic, Partitions: partitions},
		kafka.Topic{Name: closed, Partitions: partitions, Config: map[string]string{"max.message.bytes": "1"}},
	)
	if err != nil {
		return err
	}
	program, err := fix.Build(ctx, v, x.env.Scratch)
	if err != nil {
		return err
	}
	d := newDay(x.env.Seed, famous)
	g, err := x.serve(ctx, program, topic)
	if err != nil {
		return err
	}
	defer g.service.Kill()
	var worst float64
	var where string
	for n := range waves {
		skew, fullest, err := g.post(ctx, d.wave(n))
		if err != nil {
			return err
		}
		x.env.Log("wave %d: %s", n+1, fullest)
		// Who has just become the big merchant must first be found to be so.
		if n%noon != 0 && skew > worst {
			worst, where = skew, fmt.Sprintf("of wave %d, %s", n+1, fullest)
		}
	}
	r.Set("skew", "× the average partition, worst wave", worst)
	r.Note("skew", "%s", where)
	if err := x.compare(ctx, topic, d, r); err != nil {
		return err
	}
	return x.refused(ctx, program, closed, d.wave(0)[:perRequest], r)
}

// refused posts events for a topic that takes no record, to a gateway of its
// own. If that answers with 2xx, they are lost.
func (x *run) refused(ctx context.Context, program *fix.Program, topic string, events []event, r *lab.Readings) error {
	g, err := x.serve(ctx, program, topic)
	if err != nil {
		return err
	}
	defer g.service.Kill()
	status, _, err := g.send(ctx, events)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil || status/100 != 2 {
		return nil //nolint:nilerr // the shop sends them again
	}
	r.Note("lost", "for a topic that took no record, the gateway answered %d events with %d", len(events), status)
	lost, _ := r.Get("lost")
	r.Set("lost", "events", lost.Value+float64(len(events)))
	return nil
}

// serve starts the program for a topic.
func (x *run) serve(ctx context.Context, program *fix.Program, topic string) (*gateway, error) {
	p, err := program.Listen(ctx, fix.Options{
		Log: filepath.Join(x.env.Scratch, topic+".log"),
		Env: map[string]string{"LAB_KAFKA_BROKERS": x.kafka.Bootstrap(), "LAB_TOPIC": topic},
	})
	if err != nil {
		return nil, err
	}
	return &gateway{run: x, service: p, topic: topic}, nil
}

// gateway is the learner's program at work.
type gateway struct {
	*run
	service *fix.Service
	topic   string
	last    []int64 // the partitions' ends after the last wave
	sent    int64
	behind  bool // it has answered for events that did not arrive
}

// post sends one wave, request after request, and returns how many times its
// share the fullest partition got of it, and which that is.
func (g *gateway) post(ctx context.Context, events []event) (skew float64, fullest string, err error) {
	for batch := range slices.Chunk(events, perRequest) {
		if err := g.request(ctx, batch); err != nil {
			return 0, "", err
		}
	}
	g.sent += int64(len(events))
	before := g.last
	if g.last, err = g.arrived(ctx); err != nil {
		return 0, "", err
	}
	if before == nil {
		before = make([]int64, len(g.last))
	}
	var most, sum int64
	at := 0
	for p, end := range g.last {
		got := end
		if p < len(before) {
			got -= before[p]
		}
		if sum += got; got > most {
			most, at = got, p
		}
	}
	fullest = fmt.Sprintf("partition %d got %d of %d events", at, most, sum)
	if sum == 0 {
		return float64(len(g.last)), fullest, nil
	}
	return float64(most) * float64(len(g.last)) / float64(sum), fullest, nil
}

func (g *gateway) request(ctx context.Context, batch []event) error {
	status, text, err := g.send(ctx, batch)
	if err != nil {
		return g.blame(ctx, fmt.Errorf("the gateway did not answer: %w", err))
	}
	if status/100 != 2 {
		return g.blame(ctx, fmt.Errorf("the gateway refused %d events with %d: %s", len(batch), status, text))
	}
	return nil
}

// send posts events in one request.
func (g *gateway) send(ctx context.Context, batch []event) (status int, text []byte, err error) {
	var body bytes.Buffer
	for _, e := range batch {
		body.Write(append(e.json(), '\n'))
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+g.service.Addr+"/events", &body)
	if err != nil {
		return 0, nil, err
	}
	res, err := g.service.HTTP.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	text, _ = io.ReadAll(io.LimitReader(res.Body, 500))
	return res.StatusCode, bytes.TrimSpace(text), nil
}

// blame makes err the learner's if the broker is well.
func (g *gateway) blame(ctx context.Context, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if _, kerr := g.ends(ctx, g.topic); kerr != nil {
		return kerr
	}
	if perr := g.service.Err(); perr != nil {
		return lab.Blame(lab.ApplyCheck, perr)
	}
	return lab.Blame("lost", fmt.Errorf("%w\n%s", err, g.service.Tail(10)))
}

// arrived returns the topic's ends when all events sent so far are in it. A
// gateway that answers too early gets time once.
func (g *gateway) arrived(ctx context.Context) (ends []int64, err error) {
	wait, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	late := g.behind
	err = measure.Until(wait, "all events are in the topic", func(ctx context.Context) (string, bool, error) {
		if ends, err = g.ends(ctx, g.topic); err != nil {
			return "", false, err
		}
		var sum int64
		for _, end := range ends {
			sum += end
		}
		return fmt.Sprintf("%d of %d", sum, g.sent), sum >= g.sent || late, nil
	})
	if err != nil && ctx.Err() == nil && ends != nil {
		g.behind = true
		return ends, nil
	}
	return ends, err
}

// ends asks for the topic's ends; a topic that is gone is the program's doing.
func (x *run) ends(ctx context.Context, topic string) ([]int64, error) {
	ends, err := x.kafka.Ends(ctx, topic)
	if errors.Is(err, kafka.ErrNoTopic) {
		return nil, lab.Blame("lost", fmt.Errorf("the topic was deleted: %w", err))
	}
	return ends, err
}

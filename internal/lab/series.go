package lab

import (
	"math"
	"slices"
	"sync"
	"time"
)

// Series is a number sampled while a run goes on: throughput, lag, memory. It
// is shown and decides nothing; what decides is a reading.
type Series struct {
	Name   string
	Unit   string
	Points []Point // by time
}

// Point is one sample.
type Point struct {
	At    time.Duration // since the run started
	Value float64
}

// most is how many samples a series keeps: half an hour of ten a second. What
// comes later is dropped.
const most = 18_000

// samples keeps series in the order in which they were first sampled.
type samples struct {
	mu   sync.Mutex
	list []Series
}

func (s *samples) add(name, unit string, p Point) {
	if math.IsNaN(p.Value) || math.IsInf(p.Value, 0) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.list, func(x Series) bool { return x.Name == name })
	if i < 0 {
		i = len(s.list)
		s.list = append(s.list, Series{Name: name, Unit: unit})
	}
	if x := &s.list[i]; len(x.Points) < most {
		x.Points = append(x.Points, p)
	}
}

func (s *samples) all() []Series {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.Clone(s.list)
	for i := range list {
		list[i].Points = slices.Clone(list[i].Points)
	}
	return list
}

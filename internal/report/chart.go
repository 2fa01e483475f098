package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"faultlab/internal/lab"
)

// moment is a part of a run, as a series shows it.
type moment struct {
	Name     string
	From, To time.Duration
}

// moments are the parts of a run between the failure and the end of the load.
// Where the fix is a program it is not applied but run, from its measuring on.
func moments(r *lab.Result) []moment {
	began := map[lab.Phase]time.Duration{}
	ended := map[lab.Phase]time.Duration{}
	for _, t := range r.Phases {
		began[t.Phase], ended[t.Phase] = t.At, t.At+t.Elapsed
	}
	var list []moment
	add := func(name string, phases ...lab.Phase) {
		m := moment{Name: name, From: -1}
		for _, p := range phases {
			if at, ok := began[p]; ok {
				if m.From < 0 {
					m.From = at
				}
				m.To = ended[p]
			}
		}
		if m.From >= 0 {
			list = append(list, m)
		}
	}
	add("broken", lab.Break, lab.Settle, lab.Measure)
	add("fix", lab.Apply)
	add("fixed", lab.SettleFixed, lab.Remeasure)
	add("hold", lab.Hold)
	return list
}

// The box that a curve is drawn in, and where it stands in its picture.
const (
	boxTop    = 48
	boxHeight = 176
	boxWidth  = 1000
)

// chart is a series as a picture. Lengths across are percentages, so that it
// fits any width and its text keeps its size.
type chart struct {
	Name, Unit string
	Label      string // what the picture shows, in words
	Line, Area string // paths in the box
	X, Y       []tick
	Bands      []band // while the fix was applied
	Marks      []mark
	Stats      []stat
}

type (
	tick struct{ At, Text, Anchor string }
	band struct{ X, Width string }
	mark struct{ X, Text, Anchor, DX, Top string }
	stat struct{ While, Low, Mid, High string }
)

func charts(r *lab.Result) []chart {
	var list []chart
	for _, s := range r.Series {
		if len(s.Points) > 1 {
			list = append(list, newChart(s, moments(r), turn(r)))
		}
	}
	return list
}

func newChart(s lab.Series, parts []moment, turn time.Duration) chart {
	first, last := s.Points[0].At, s.Points[len(s.Points)-1].At
	span := max(last-first, time.Millisecond).Seconds()
	across := func(at time.Duration) float64 { return min(1, max(0, (at-first).Seconds()/span)) }
	low, high := extent(s.Points)
	ys := steps(min(0, low), max(high, 0), 3)
	bottom, top := ys[0], ys[len(ys)-1]
	down := func(v float64) float64 { return boxHeight * (1 - (v-bottom)/(top-bottom)) }

	c := chart{Name: s.Name, Unit: s.Unit}
	for _, y := range ys {
		c.Y = append(c.Y, tick{At: fmt.Sprintf("%.1f", boxTop+down(y)), Text: lab.Number(y)})
	}
	from, to := (first - turn).Seconds(), (last - turn).Seconds()
	for _, x := range steps(from, to, 5) {
		if x < from || x > to {
			continue
		}
		part := (x - from) / span
		c.X = append(c.X, tick{At: percent(part), Text: lab.Number(x) + " s", Anchor: anchor(part)})
	}
	var line strings.Builder
	for i, p := range thin(s.Points, boxWidth/2) {
		fmt.Fprintf(&line, "%c%.1f %.1f", "ML"[min(i, 1)], boxWidth*across(p.At), down(p.Value))
	}
	c.Line = line.String()
	c.Area = fmt.Sprintf("%sL%d %.1fL0 %.1fZ", c.Line, boxWidth, down(bottom), down(bottom))

	free := []float64{0, 0, 0} // where a row of labels is free from
	words := []string{}
	for _, m := range parts {
		if m.To < first || m.From > last {
			continue
		}
		x := across(m.From)
		if m.Name == "fix" {
			c.Bands = append(c.Bands, band{percent(x), percent(across(m.To) - x)})
		}
		row := 0
		for row < len(free)-1 && x < free[row] {
			row++
		}
		free[row] = x + 0.24 // a label takes that much on a phone
		k := mark{X: percent(x), Text: m.Name, Anchor: "start", DX: "4", Top: fmt.Sprint(14 * row)}
		if x > 0.85 {
			k.Anchor, k.DX = "end", "-4"
		}
		c.Marks = append(c.Marks, k)
		if st, ok := stats(s.Points, m); ok {
			c.Stats = append(c.Stats, st)
			words = append(words, fmt.Sprintf("%s, median %s", st.While, st.Mid))
		}
	}
	c.Label = fmt.Sprintf("Line chart of %s, %s, from %s to %s: %s to %s. %s", s.Name, s.Unit, seconds(first-turn), seconds(last-turn),
		lab.Number(round(low)), lab.Number(round(high)), strings.Join(words, "; "))
	return c
}

func anchor(part float64) string {
	switch {
	case part < 0.04:
		return "start"
	case part > 0.96:
		return "end"
	}
	return "middle"
}

// stats are of the samples of one part of the run.
func stats(points []lab.Point, m moment) (stat, bool) {
	var vs []float64
	for _, p := range points {
		if p.At >= m.From && p.At <= m.To {
			vs = append(vs, p.Value)
		}
	}
	if len(vs) == 0 {
		return stat{}, false
	}
	slices.Sort(vs)
	names := map[string]string{"broken": "it was broken", "fix": "the fix was applied", "fixed": "it was measured again", "hold": "the load went on"}
	write := func(v float64) string { return lab.Number(round(v)) }
	return stat{names[m.Name], write(vs[0]), write(vs[len(vs)/2]), write(vs[len(vs)-1])}, true
}

// round leaves three digits that count, or all before the point.
func round(v float64) float64 {
	if math.Abs(v) >= 100 || v == 0 {
		return math.Round(v)
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(v)))-2)
	return math.Round(v/unit) * unit
}

func extent(points []lab.Point) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, p := range points {
		low, high = min(low, p.Value), max(high, p.Value)
	}
	return low, high
}

// steps are about n round numbers from at most low to at least high.
func steps(low, high float64, n int) []float64 {
	if high <= low {
		high = low + 1
	}
	raw := (high - low) / float64(n)
	unit := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*unit >= raw {
			unit *= m
			break
		}
	}
	var list []float64
	for i := math.Floor(low / unit); ; i++ {
		list = append(list, i*unit)
		if i*unit >= high {
			return list
		}
	}
}

// thin leaves at most the lowest and the highest point of each of n parts, so
// that no peak is lost.
func thin(points []lab.Point, n int) []lab.Point {
	if len(points) <= 2*n {
		return points
	}
	var kept []lab.Point
	for i := range n {
		part := points[i*len(points)/n : (i+1)*len(points)/n]
		low, high := 0, 0
		for j, p := range part {
			if p.Value < part[low].Value {
				low = j
			}
			if p.Value > part[high].Value {
				high = j
			}
		}
		kept = append(kept, part[min(low, high)])
		if low != high {
			kept = append(kept, part[max(low, high)])
		}
	}
	return kept
}

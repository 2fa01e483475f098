package unindexedupdate

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"faultlab/internal/lab"
)

// tables is what the service has left.
type tables struct {
	carts     map[int64]cart // without lines
	lines     map[line]int   // quantities
	reminders map[int64][]reminder
}

type line struct{ cart, product int64 }

type reminder struct {
	user    int64
	touched time.Time
}

// compare holds the tables against what customers and the job were told.
func compare(carts []*cart, puts []*put, t tables, r *lab.Readings) {
	byCart := map[int64][]*put{}
	failed := 0
	for _, p := range puts {
		byCart[p.cart.id] = append(byCart[p.cart.id], p)
		if p.status != http.StatusOK && p.status != 0 {
			failed++
			r.Note("puts-failed", "cart %d, product %d, was answered: %d %s", p.cart.id, p.product, p.status, p.answer)
		}
	}
	var cartsWrong, linesWrong, remindersWrong int
	for _, c := range carts {
		is, there := t.carts[c.id]
		delete(t.carts, c.id)
		state, touched := c.state, []time.Time{c.touched}
		lines := map[int64]int{}
		for product, quantity := range c.lines {
			lines[product] = quantity
		}
		unsure := false // nobody was told what became of it
		said := false
		for _, p := range byCart[c.id] {
			if p.status != http.StatusOK {
				unsure = true
				continue
			}
			if !said {
				said, state, touched = true, "open", nil
			}
			touched = append(touched, p.at)
			lines[p.product]++
		}
		if c.due != 0 {
			state = "abandoned"
		}
		reminded := t.reminders[c.id]
		delete(t.reminders, c.id)
		switch {
		case !there:
			cartsWrong++
			r.Note("carts-wrong", "cart %d is gone", c.id)
		case unsure:
		case is.user != c.user || is.state != state || !slices.ContainsFunc(touched, is.touched.Equal):
			cartsWrong++
			r.Note("carts-wrong", "cart %d is %s, touched %s, and should be %s, touched %s", c.id, is.state, stamp(is.touched), state, stamp(touched[len(touched)-1]))
		}
		for product, quantity := range lines {
			at := line{c.id, product}
			if got := t.lines[at]; !unsure && got != quantity {
				linesWrong++
				r.Note("lines-wrong", "cart %d should have %d pieces of product %d, and has %d", c.id, quantity, product, got)
			}
			delete(t.lines, at)
		}
		if unsure {
			for _, p := range byCart[c.id] {
				delete(t.lines, line{c.id, p.product})
			}
		}
		want := []reminder(nil)
		if c.due != 0 {
			want = []reminder{{c.user, c.touched}}
		}
		if !slices.EqualFunc(reminded, want, func(a, b reminder) bool { return a.user == b.user && a.touched.Equal(b.touched) }) {
			remindersWrong++
			r.Note("reminders-wrong", "cart %d, which is %s, has %d reminders, and should have %d", c.id, is.state, len(reminded), len(want))
		}
	}
	for id := range t.carts {
		cartsWrong++
		r.Note("carts-wrong", "cart %d is nobody's", id)
	}
	for at := range t.lines {
		linesWrong++
		r.Note("lines-wrong", "cart %d has product %d, which nobody has put there", at.cart, at.product)
	}
	for id := range t.reminders {
		remindersWrong++
		r.Note("reminders-wrong", "there is a reminder for cart %d, which there is not", id)
	}
	r.Set("puts-failed", fmt.Sprintf("of %d", len(puts)), float64(failed))
	r.Set("carts-wrong", "carts", float64(cartsWrong))
	r.Set("lines-wrong", "lines", float64(linesWrong))
	r.Set("reminders-wrong", "carts", float64(remindersWrong))
}

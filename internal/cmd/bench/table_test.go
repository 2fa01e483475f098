package main

import (
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	b := &bench{rounds: 3, rows: []*row{
		{section: seed, subject: "mysql, 1,000,000 orders", count: 1_000_000,
			ours: []time.Duration{4 * time.Second, 9 * time.Second, time.Second}, bare: []time.Duration{2 * time.Second, 2 * time.Second, 7 * time.Second}},
		{section: ready, subject: "redis", ours: []time.Duration{300 * time.Millisecond, 500 * time.Millisecond}, bare: []time.Duration{200 * time.Millisecond}},
	}}
	got := b.table()
	want := []string{
		"| **Time to ready, from the image** | *`Rig.Start`* | *container started by hand* | |\n| redis | 0.40 s | 0.20 s | 2.00 |\n",
		"| mysql, 1,000,000 orders | 4.00 s, 250,000/s | 2.00 s, 500,000/s | 2.00 |\n",
	}
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("no %q in\n%s", w, got)
		}
	}
	if strings.Contains(got, "snapshot") {
		t.Errorf("a heading without rows in\n%s", got)
	}
}

func TestBetween(t *testing.T) {
	got, err := between("a\n<!-- bench -->\nold\n<!-- /bench -->\nb\n", "new\n")
	if want := "a\n<!-- bench -->\nnew\n<!-- /bench -->\nb\n"; got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if _, err := between("<!-- bench -->\nnothing below", "new\n"); err == nil {
		t.Error("a page without the second marker was accepted")
	}
}

package consumerlag

import "testing"

func TestCompare(t *testing.T) {
	a, b, c := order{1, 1, 100}, order{2, 2, 200}, order{3, 1, 300}
	altered := order{3, 1, 299}
	s := &service{}
	s.truth[0] = []order{a, b}
	s.truth[5] = []order{c}
	done := []int64{2, -1, -1, -1, -1, 1}
	for _, tt := range []struct {
		name             string
		committed        []int64
		rows             map[order]int
		missing, doubled int
	}{
		{"all", done, map[order]int{a: 1, b: 1, c: 1}, 0, 0},
		{"none yet", []int64{-1, -1, -1, -1, -1, -1}, nil, 0, 0},
		{"ahead by one", []int64{1, -1, -1, -1, -1, 1}, map[order]int{a: 1}, 1, 0},
		{"behind", []int64{0, -1, -1, -1, -1, -1}, map[order]int{a: 1, b: 1}, 0, 0},
		{"twice and thrice", done, map[order]int{a: 2, b: 3, c: 1}, 0, 3},
		{"altered", done, map[order]int{a: 1, b: 1, altered: 1}, 1, 1},
		{"beyond the end", []int64{9, -1, -1, -1, -1, 1}, map[order]int{a: 1, b: 1, c: 1}, 0, 0},
	} {
		if got, first := s.missing(tt.committed, tt.rows); got != tt.missing || (first != "") != (got > 0) {
			t.Errorf("%s: %d missing (%s), want %d", tt.name, got, first, tt.missing)
		}
		if got, one := s.doubled(tt.rows); got != tt.doubled || (one != "") != (tt.name == "twice and thrice") {
			t.Errorf("%s: %d doubled (%s), want %d", tt.name, got, one, tt.doubled)
		}
	}
}

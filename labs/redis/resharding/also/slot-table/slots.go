package main

// slots is how many there are, for ever: that of a key never changes, only who has it.
const slots = 1024

// slot is a part of all keys.
type slot struct {
	Node       string `json:"node"`
	Generation int    `json:"generation"` // how often it has moved
}

// table says who has each slot. It is kept in MySQL, for all instances.
type table []slot

// share gives nodes that have too little what others have too much, or left behind,
// and nothing more than that. It says whether anything had to move.
func (t *table) share(n *nodes) (moved bool) {
	if len(*t) == 0 {
		*t = make(table, slots)
	}
	has := map[string]int{}
	for _, s := range *t {
		has[s.Node]++
	}
	least := func() string {
		name := n.list[0].name
		for _, x := range n.list {
			if has[x.name] < has[name] {
				name = x.name
			}
		}
		return name
	}
	fair := (slots + len(n.list) - 1) / len(n.list)
	for i := range *t {
		s := &(*t)[i]
		if n.has(s.Node) && has[s.Node] <= fair {
			continue
		}
		to := least()
		has[s.Node]--
		has[to]++
		s.Node, moved = to, true
		s.Generation++
	}
	return moved
}

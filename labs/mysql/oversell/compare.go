package oversell

import (
	"fmt"
	"slices"

	"faultlab/internal/lab"
)

// row is an order as it is in the table.
type row struct {
	id, user, product int64
	quantity          int
}

// compare holds the tables, and what the tills have said, against what was sent.
func compare(products []*product, purchases []*purchase, stock map[int64]int, rows []row, r *lab.Readings) {
	byUser := map[int64][]row{}
	ordered := map[int64]int{}
	for _, o := range rows {
		byUser[o.user] = append(byUser[o.user], o)
		ordered[o.product] += o.quantity
	}
	bought := map[int64]int{} // purchases, by user
	for _, b := range purchases {
		bought[b.User]++
	}
	var doubled, untrue int
	wanted := map[int64][]int{} // quantities, by product
	owner := map[int64]string{} // the purchase that was told so, by order
	for _, b := range purchases {
		wanted[b.Product] = append(wanted[b.Product], b.Quantity)
		var ids []int64
		strange := 0
		for _, o := range byUser[b.User] {
			ids = append(ids, o.id)
			if o.product != b.Product || o.quantity != b.Quantity {
				strange++
			}
		}
		if n, over := len(ids), len(ids)-bought[b.User]; over > 0 {
			doubled += over
			bought[b.User] = n // said once
			r.Note("doubled", "request %s of user %d is in the table %d times: orders %d", b.ID, b.User, over+1, ids)
		}
		said := slices.Compact(slices.Sorted(slices.Values(b.sold)))
		var other string
		for _, id := range said {
			if owner[id] == "" {
				owner[id] = b.ID
			}
			if owner[id] != b.ID {
				other = owner[id]
			}
		}
		var lie string
		switch {
		case strange > 0:
			lie = fmt.Sprintf("user %d wanted %d of product %d, and the order says something else", b.User, b.Quantity, b.Product)
		case len(said) > 1:
			lie = fmt.Sprintf("request %s of user %d was told several numbers of its order: %d", b.ID, b.User, said)
		case len(said) == 1 && !slices.Contains(ids, said[0]):
			lie = fmt.Sprintf("user %d was told that order %d is theirs, and the table has %d for them", b.User, said[0], ids)
		case other != "":
			lie = fmt.Sprintf("request %s of user %d was told that it is order %d, which was bought by request %s", b.ID, b.User, said[0], other)
		case b.lies > 0 || b.refused > 0 && len(said) == 0 && len(ids) >= bought[b.User]:
			lie = fmt.Sprintf("user %d, who has bought product %d, was told that it is sold out", b.User, b.Product)
		}
		if lie != "" {
			untrue++
			r.Note("wrong-answers", "%s", lie)
		}
	}
	for user := range bought {
		delete(byUser, user)
	}
	for user, rows := range byUser {
		doubled += len(rows)
		r.Note("doubled", "user %d, who has bought nothing, has %d orders", user, len(rows))
	}
	var oversold, unsold, wrong int
	for _, p := range products {
		sold := ordered[p.id]
		could := 0
		for _, q := range wanted[p.id] {
			if could+q <= p.stock {
				could += q
			}
		}
		facts := fmt.Sprintf("product %d had %d pieces, %d are in orders, and its stock is %d", p.id, p.stock, sold, stock[p.id])
		if over := sold - p.stock; over > 0 {
			oversold += over
			r.Note("oversold", "%s", facts)
		}
		if sold < could {
			unsold += could - sold
			r.Note("unsold", "%s; %d were wanted", facts, could)
		}
		if off := p.stock - sold - stock[p.id]; off != 0 {
			wrong += max(off, -off)
			r.Note("stock-wrong", "%s", facts)
		}
	}
	for _, b := range purchases {
		if b.gaveUp != "" {
			r.Note("unsold", "a till never said whether user %d has bought; its last answer was: %s", b.User, b.gaveUp)
		}
	}
	r.Set("oversold", "pieces", float64(oversold))
	r.Set("doubled", "orders", float64(doubled))
	r.Set("stock-wrong", "pieces", float64(wrong))
	r.Set("unsold", "pieces", float64(unsold))
	r.Set("wrong-answers", fmt.Sprintf("of %d buyers", len(purchases)), float64(untrue))
}

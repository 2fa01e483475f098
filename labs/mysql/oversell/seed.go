package oversell

import (
	"context"
	"fmt"
	"strings"

	"faultlab/internal/lab"
)

// What the learner finds: the tables after last night's sale. 1,000 radios were
// there; 1,033 were sold, 14 of them to people who wanted one and have two.
const (
	radios   = 1000
	tooFew   = 33
	pressed2 = 14
)

func (x *run) seed(ctx context.Context) error {
	radio := &product{id: 4711, stock: radios - (radios + tooFew)}
	if err := x.create(ctx, "shop", []*product{radio, {id: 4712, stock: 800}}); err != nil {
		return err
	}
	var rows []string
	for n := range radios + tooFew {
		user := 50_001 + 3*n
		if n >= radios+tooFew-pressed2 { // at the end, somebody presses again
			user = 50_001 + 3*(n-100)
		}
		rows = append(rows, fmt.Sprintf("(%d, %d, 1)", user, radio.id))
	}
	return x.mysql.Exec(ctx, "INSERT INTO shop.orders (user_id, product_id, quantity) VALUES "+strings.Join(rows, ", "))
}

// fingerprint is what the seed left.
func (x *run) fingerprint(ctx context.Context) (lab.Fingerprint, error) {
	var orders, stock int
	err := x.mysql.Admin().QueryRowContext(ctx,
		"SELECT (SELECT COUNT(*) FROM shop.orders), (SELECT SUM(stock) FROM shop.products)").Scan(&orders, &stock)
	return lab.Fingerprint{"orders.rows": fmt.Sprint(orders), "products.stock": fmt.Sprint(stock)}, err
}

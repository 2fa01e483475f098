package cachepenetration

import (
	"context"
	"fmt"

	"faultlab/internal/lab"
)

// seed is the shop that the learner finds.
func (x *run) seed(ctx context.Context) error {
	return x.create(ctx, "shop", x.newDay("shop", x.env.Seed).there)
}

// fingerprint is what the seed left.
func (x *run) fingerprint(ctx context.Context) (lab.Fingerprint, error) {
	var rows int
	err := x.mysql.Admin().QueryRowContext(ctx, "SELECT COUNT(*) FROM shop.products").Scan(&rows)
	return lab.Fingerprint{"products.rows": fmt.Sprint(rows)}, err
}

package longtransaction

import (
	"context"
	"fmt"
	"math/rand/v2"

	"faultlab/internal/lab"
)

// seed leaves what the learner finds: the tables at the beginning of an evening.
func (x *run) seed(ctx context.Context) error {
	return x.create(ctx, "delivery", newBooks(rand.New(rand.NewPCG(x.env.Seed, 0))))
}

// fingerprint is what the seed left.
func (x *run) fingerprint(ctx context.Context) (lab.Fingerprint, error) {
	var queue, deliveries, cents int64
	err := x.mysql.Admin().QueryRowContext(ctx,
		"SELECT (SELECT COUNT(*) FROM delivery.queue), (SELECT COUNT(*) FROM delivery.deliveries), (SELECT SUM(cents) FROM delivery.couriers)").Scan(&queue, &deliveries, &cents)
	return lab.Fingerprint{"queue.rows": fmt.Sprint(queue), "deliveries.rows": fmt.Sprint(deliveries), "couriers.cents": fmt.Sprint(cents)}, err
}

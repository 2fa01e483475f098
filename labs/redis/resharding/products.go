package resharding

import (
	"context"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strconv"

	"faultlab/internal/lab"
	"faultlab/internal/mysql"
)

//go:embed schema.sql
var schema string

// products is how many there are.
const products = 1500

// product is what the program has been told of one, and how often.
type product struct {
	id      int64
	version int
}

// name is its id as a request has it.
func (p *product) name() string { return strconv.FormatInt(p.id, 10) }

// catalogue makes all products of a run.
func catalogue(seed uint64) []*product {
	rnd := rand.New(rand.NewPCG(seed, 0))
	id := 100_000 + rnd.Int64N(800_000)
	list := make([]*product, products)
	for i := range list {
		id += 1 + rnd.Int64N(40)
		list[i] = &product{id: id}
	}
	return list
}

// body is what is known of the product after it was put version times.
func (p *product) body(version int) string {
	rnd := rand.New(rand.NewPCG(uint64(p.id), uint64(version)))
	text := make([]byte, 200)
	for i := range text {
		text[i] = "abcdefghijklmnopqrstuvwxyz     "[rnd.IntN(31)]
	}
	return fmt.Sprintf(`{"id":%d,"version":%d,"cents":%d,"text":%q}`, p.id, version, rnd.IntN(100_000), text)
}

// seed writes them into the database that each trial copies.
func (x *run) seed(ctx context.Context) error {
	if err := x.mysql.NewDatabase(ctx, "shop", schema); err != nil {
		return err
	}
	_, err := x.mysql.Load(ctx, "shop.products", "id, body", func(rows *mysql.Rows) {
		for _, p := range catalogue(x.env.Seed) {
			rows.Add(p.id, p.body(0))
		}
	})
	return err
}

// fingerprint is what the seed left.
func (x *run) fingerprint(ctx context.Context) (lab.Fingerprint, error) {
	var rows, bytes int64
	err := x.mysql.Admin().QueryRowContext(ctx, "SELECT COUNT(*), SUM(LENGTH(body)) FROM shop.products").Scan(&rows, &bytes)
	return lab.Fingerprint{"products.rows": fmt.Sprint(rows), "products.bytes": fmt.Sprint(bytes)}, err
}

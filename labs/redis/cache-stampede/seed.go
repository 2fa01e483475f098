package cachestampede

import (
	"context"
	_ "embed"
	"fmt"
	"math/rand/v2"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/mysql"
)

//go:embed schema.sql
var schema string

const (
	assortment = 1200
	perProduct = 20 // reviews
)

// product is what the shop sells, with all prices that it has had; the last is today's.
type product struct {
	sku, name string
	prices    []int
	rated     []int // stars
}

// stars is the sum of all reviews.
func (p *product) stars() (n int) {
	for _, s := range p.rated {
		n += s
	}
	return n
}

// stock is the assortment, made from the seed.
func stock(seed uint64) (all []*product) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	for i := range assortment {
		p := &product{
			sku:    fmt.Sprintf("%c%c%03d-%06d", 'a'+rnd.IntN(26), 'a'+rnd.IntN(26), rnd.IntN(1000), 100_000+700*i+rnd.IntN(700)),
			name:   fmt.Sprintf("%s no. %d", []string{"Kettle", "Lamp", "Radio", "Chair", "Clock"}[rnd.IntN(5)], rnd.IntN(10_000)),
			prices: []int{500 + rnd.IntN(50_000)},
		}
		for range perProduct {
			p.rated = append(p.rated, 1+rnd.IntN(5))
		}
		all = append(all, p)
	}
	return all
}

func (x *run) seed(ctx context.Context) error {
	for _, each := range fix.Statements(schema) {
		if err := x.mysql.Exec(ctx, each.Text); err != nil {
			return err
		}
	}
	_, err := x.mysql.Load(ctx, "products", "sku, name, price", func(rows *mysql.Rows) {
		for _, p := range x.products {
			rows.Add(p.sku, p.name, p.prices[0])
		}
	})
	if err != nil {
		return err
	}
	_, err = x.mysql.Load(ctx, "reviews", "sku, stars", func(rows *mysql.Rows) {
		for i := range perProduct {
			for _, p := range x.products {
				rows.Add(p.sku, p.rated[i])
			}
		}
	})
	return err
}

// fingerprint is what the seed left.
func (x *run) fingerprint(ctx context.Context) (lab.Fingerprint, error) {
	var products, reviews, stars int
	err := x.mysql.Admin().QueryRowContext(ctx,
		"SELECT (SELECT COUNT(*) FROM products), (SELECT COUNT(*) FROM reviews), (SELECT SUM(stars) FROM reviews)").Scan(&products, &reviews, &stars)
	return lab.Fingerprint{"products.rows": fmt.Sprint(products), "reviews.rows": fmt.Sprint(reviews), "reviews.stars": fmt.Sprint(stars)}, err
}

package slowquery

import (
	"context"
	"time"

	"faultlab/internal/clickhouse"
)

const (
	orders     = 5_000_000 // of 2025, loaded before the shop went live
	categories = 300
	days       = 365
	users      = 800_000
)

// schema sorts by the rule that the notes give: the column with the most
// distinct values first.
const schema = `
CREATE TABLE shop.orders (
    order_id    UInt64,
    user_id     UInt32,
    category_id UInt16,
    order_date  Date,
    cents       UInt32,
    status      LowCardinality(String),
    address     String,
    created_at  DateTime64(3)
)
ENGINE = MergeTree
ORDER BY (order_id, user_id, order_date, category_id)`

const columns = "order_id, user_id, category_id, order_date, cents, status, address, created_at"

// order is a row of shop.orders.
type order struct {
	id       uint64 // public, and random so that nobody can count our orders
	user     uint32
	category uint16
	day      int // of the year
	cents    uint32
	status   string
	address  string
	created  time.Time
}

// live is when the new shop opened: all orders from then on are the traffic's.
const live = "2026-01-01"

var firstDay = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// source makes orders from a seed: the same number, the same order. It knows
// what is in the table without asking the server.
type source struct{ seed uint64 }

// order makes the i-th order of 2025.
func (s source) order(i int) order {
	o := order{category: s.category(i), day: s.day(i), cents: s.cents(i)}
	o.id, o.user = s.id(i), uint32(s.mix(i, 5)%users)
	o.status = [...]string{"paid", "shipped", "delivered", "returned"}[s.mix(i, 6)%4]
	o.address = address(s.mix(i, 7), s.mix(i, 8))
	o.created = firstDay.AddDate(0, 0, o.day).Add(time.Duration(s.mix(i, 9)%86_400_000) * time.Millisecond)
	return o
}

func (s source) id(i int) uint64       { return s.mix(i, 1) }
func (s source) category(i int) uint16 { return uint16(s.mix(i, 2) % categories) }
func (s source) day(i int) int         { return int(s.mix(i, 3) % days) }
func (s source) cents(i int) uint32    { return 100 + uint32(s.mix(i, 4)%99_900) }

// mix is the i-th number of stream k (splitmix64). Within one stream no number
// comes twice, so ids are unique.
func (s source) mix(i, k int) uint64 {
	z := scramble(s.seed+uint64(k)) + uint64(i)*0x9e3779b97f4a7c15
	return scramble(z)
}

func scramble(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// address is a street and a delivery code of 16 hex digits.
func address(a, b uint64) string {
	const hex = "0123456789abcdef"
	streets := [...]string{"Mill Lane", "Station Road", "Harbour Street", "Church Walk"}
	text := append(make([]byte, 0, 40), streets[a%4]...)
	text = append(text, ' ', '1'+byte(a>>8%9), '0'+byte(a>>16%10), ' ')
	for range 16 {
		text = append(text, hex[b&15])
		b >>= 4
	}
	return string(text)
}

// seed fills the table and has the server merge it into one part.
func seed(ctx context.Context, s *clickhouse.Server, from source) error {
	for _, stmt := range []string{"CREATE DATABASE shop", schema} {
		if err := s.Admin().Exec(ctx, stmt); err != nil {
			return err
		}
	}
	if err := s.Load(ctx, "shop.orders", columns, orders, 250_000, from.block); err != nil {
		return err
	}
	if err := s.Admin().Exec(ctx, "OPTIMIZE TABLE shop.orders FINAL"); err != nil {
		return err
	}
	return s.Tidy(ctx, "shop")
}

// block is orders first to last-1 by column.
func (s source) block(first, last int) []any {
	n := last - first
	ids, users, cats := make([]uint64, n), make([]uint32, n), make([]uint16, n)
	dates, created := make([]time.Time, n), make([]time.Time, n)
	cents, status, addresses := make([]uint32, n), make([]string, n), make([]string, n)
	for i := range n {
		o := s.order(first + i)
		ids[i], users[i], cats[i], cents[i] = o.id, o.user, o.category, o.cents
		dates[i], created[i] = firstDay.AddDate(0, 0, o.day), o.created
		status[i], addresses[i] = o.status, o.address
	}
	return []any{ids, users, cats, dates, cents, status, addresses, created}
}

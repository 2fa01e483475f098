package oversell

import (
	"context"
	"fmt"

	"faultlab/internal/lab"
	"faultlab/internal/mysql"
)

// readings reads the tables as they are in the end.
func (s *sale) readings(ctx context.Context, r *lab.Readings) error {
	counted, err := s.count(ctx)
	if err != nil {
		return err
	}
	counted = counted.Since(s.before)
	if err := s.whole(ctx); err != nil {
		return err
	}
	stock := map[int64]int{}
	err = s.each(ctx, "SELECT id, stock FROM "+s.database+".products", func(scan func(...any) error) error {
		var id int64
		var left int
		err := scan(&id, &left)
		stock[id] = left
		return err
	})
	if err != nil {
		return err
	}
	var rows []row
	err = s.each(ctx, "SELECT id, user_id, product_id, quantity FROM "+s.database+".orders", func(scan func(...any) error) error {
		var o row
		err := scan(&o.id, &o.user, &o.product, &o.quantity)
		rows = append(rows, o)
		return err
	})
	if err != nil {
		return err
	}
	compare(s.products, s.purchases, stock, rows, r)
	r.Set("others-blocked", "of 2 buyers", float64(s.blocked))
	r.Note("others-blocked", "%s", s.blockedAt)
	requests := 0
	for _, b := range s.purchases {
		requests += len(b.sold) + b.refused
	}
	r.Set("statements", "for each answer", float64(counted["statements"])/float64(max(1, requests)))
	r.Set("lock-waits", "for each answer", float64(counted["Innodb_row_lock_waits"])/float64(max(1, requests)))
	r.Set("deadlocks", "", float64(counted["deadlocks"]))
	return nil
}

// each reads a result row by row.
func (s *sale) each(ctx context.Context, query string, row func(scan func(...any) error) error) error {
	rows, err := s.mysql.Admin().QueryContext(ctx, query)
	if err != nil {
		return s.theirs(fmt.Errorf("read the tables: %w", err))
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return lab.Blame("stock-wrong", fmt.Errorf("read the tables: %w", err))
		}
	}
	return rows.Err()
}

// whole blames the tills for tables that a crash of MySQL breaks.
func (s *sale) whole(ctx context.Context) error {
	engines, err := s.mysql.Engines(ctx, s.database)
	if err != nil {
		return err
	}
	if engines != "InnoDB" {
		return lab.Blame("stock-wrong", fmt.Errorf("tables are of the engines %s: orders that were sold are gone after a crash", engines))
	}
	return nil
}

// count reads what the tills have sent, and how often anybody waited for a row.
func (s *sale) count(ctx context.Context) (mysql.Status, error) {
	all, err := s.mysql.Global(ctx)
	if err != nil {
		return nil, err
	}
	statements, err := s.mysql.Statements(ctx, accounts...)
	if err != nil {
		return nil, err
	}
	var deadlocks int64
	err = s.mysql.Admin().QueryRowContext(ctx, "SELECT COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'lock_deadlocks'").Scan(&deadlocks)
	if err != nil {
		return nil, fmt.Errorf("count deadlocks: %w", err)
	}
	all["statements"], all["deadlocks"] = statements, deadlocks
	return all, nil
}

package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"faultlab/internal/clickhouse"
	"faultlab/internal/kafka"
	"faultlab/internal/mysql"
	"faultlab/internal/redis"
	"faultlab/internal/rig"

	driver "github.com/go-sql-driver/mysql"
)

// timed runs a command in a container's shell and says how long it took by the
// container's own clock.
func timed(ctx context.Context, n *rig.Node, command string) (time.Duration, error) {
	out, err := n.Exec(ctx, "sh", "-ec", "date +%s%N\n"+command+"\ndate +%s%N")
	if err != nil {
		return 0, err
	}
	var began, ended int64
	if _, err := fmt.Sscan(out, &began, &ended); err != nil {
		return 0, fmt.Errorf("read the times of %q: %w", out, err)
	}
	return time.Duration(ended - began), nil
}

func addMySQL(r *rig.Rig) target {
	s := mysql.New(r, mysql.Config{Set: map[string]string{"secure-file-priv": "/tmp"}})
	return target{
		node: s.Node(),
		empty: func(ctx context.Context) error {
			return s.Exec(ctx, "DROP TABLE IF EXISTS orders", `CREATE TABLE orders (
				id          BIGINT UNSIGNED NOT NULL PRIMARY KEY,
				user_id     INT UNSIGNED    NOT NULL,
				status      ENUM('new', 'paid', 'shipped') NOT NULL,
				amount      DECIMAL(10,2)   NOT NULL,
				create_time DATETIME(3)     NOT NULL,
				address     VARCHAR(100)    NOT NULL)`)
		},
		load: func(ctx context.Context) error {
			_, err := s.Load(ctx, "orders", "id, user_id, status, amount, create_time, address", func(w *mysql.Rows) {
				for i := range 1_000_000 {
					w.Add(i, i*7919%50_000, "shipped", mysql.Cents(100+i%99_991), time.UnixMilli(1_767_225_600_000+int64(i)*26_000),
						fmt.Sprintf("%d Harbour Street, %05d Lower Newtown", i%997, i%99_991))
				}
			})
			return err
		},
		export: func(ctx context.Context) error {
			return s.Exec(ctx, "SELECT * INTO OUTFILE '/tmp/orders' FROM orders")
		},
		bulk: func(ctx context.Context) (time.Duration, error) {
			c, err := driver.ParseDSN(s.DSN(mysql.Admin))
			if err != nil {
				return 0, err
			}
			return timed(ctx, s.Node(), fmt.Sprintf(`MYSQL_PWD=%s mysql -h 127.0.0.1 -u %s -e "LOAD DATA INFILE '/tmp/orders' INTO TABLE orders" %s`, c.Passwd, c.User, c.DBName))
		},
		loaded: func(ctx context.Context) (n int64, err error) {
			err = s.Admin().QueryRowContext(ctx, "SELECT COUNT(*) FROM orders").Scan(&n)
			return n, err
		},
	}
}

func addRedis(r *rig.Rig) target {
	s := redis.New(r, redis.Config{})
	key := func(i int) string { return fmt.Sprintf("order:%07d", i) }
	value := func(i int) string { return fmt.Sprintf("user %05d, paid, %08d cents", i*7919%50_000, i) }
	return target{
		node:  s.Node(),
		empty: func(ctx context.Context) error { return s.Client().FlushAll(ctx).Err() },
		load: func(ctx context.Context) error {
			return s.Load(ctx, func(yield func([]any) bool) {
				for i := range 1_000_000 {
					if !yield([]any{"SET", key(i), value(i)}) {
						return
					}
				}
			})
		},
		export: func(ctx context.Context) error {
			var b strings.Builder
			for i := range 1_000_000 {
				k, v := key(i), value(i)
				fmt.Fprintf(&b, "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(k), k, len(v), v)
			}
			return s.Node().Put(ctx, rig.File{Path: "/tmp/orders", Text: b.String()})
		},
		bulk: func(ctx context.Context) (time.Duration, error) {
			return timed(ctx, s.Node(), fmt.Sprintf("REDISCLI_AUTH=%s redis-cli --user %s --pipe </tmp/orders >/dev/null", s.Password(redis.Admin), redis.Admin))
		},
		loaded: func(ctx context.Context) (int64, error) { return s.Client().DBSize(ctx).Result() },
	}
}

// records of kafka-producer-perf-test's last line: "1000000 records sent,
// 412881.9 records/sec (39.38 MB/sec), …".
var perfTest = regexp.MustCompile(`1000000 records sent, ([0-9.]+) records/sec .*\n$`)

func addKafka(r *rig.Rig) target {
	c := kafka.New(r, kafka.Config{})
	b := c.Broker(1)
	const topic, partitions = "orders", 3
	return target{
		node: b.Node(),
		empty: func(ctx context.Context) error {
			if err := c.Drop(ctx, topic); err != nil {
				return err
			}
			return c.Create(ctx, kafka.Topic{Name: topic, Partitions: partitions})
		},
		load: func(ctx context.Context) error {
			return c.Write(ctx, topic, func(yield func(kafka.Record) bool) {
				for i := range 1_000_000 {
					if !yield(kafka.Record{Partition: i % partitions, Value: fmt.Appendf(nil, "%0100d", i)}) {
						return
					}
				}
			})
		},
		bulk: func(ctx context.Context) (time.Duration, error) {
			// With batches as large as ours: by its default of 16 KiB it is slower.
			// A tool that fails complains for every record.
			out, err := b.Node().Exec(ctx, "sh", "-c", fmt.Sprintf("/opt/kafka/bin/kafka-producer-perf-test.sh --topic %s"+
				" --num-records 1000000 --record-size 100 --throughput -1 --bootstrap-server %s:9092"+
				" --command-property acks=all batch.size=800000 linger.ms=10 buffer.memory=67108864 2>&1 | tail -n 1", topic, b.Name()))
			if err != nil {
				return 0, err
			}
			m := perfTest.FindStringSubmatch(out)
			if m == nil {
				return 0, fmt.Errorf("read what kafka-producer-perf-test says: %q", out)
			}
			rate, err := strconv.ParseFloat(m[1], 64)
			return time.Duration(1_000_000 / rate * float64(time.Second)), err
		},
		loaded: func(ctx context.Context) (n int64, err error) {
			ends, err := c.Ends(ctx, topic)
			for _, end := range ends {
				n += end
			}
			return n, err
		},
	}
}

func addClickHouse(r *rig.Rig) target {
	s := clickhouse.New(r, clickhouse.Config{})
	const columns = "id UInt64, user_id UInt32, cents UInt32, created DateTime"
	exec := func(ctx context.Context, queries ...string) error {
		for _, q := range queries {
			if err := s.Admin().Exec(ctx, q); err != nil {
				return err
			}
		}
		return nil
	}
	return target{
		node: s.Node(),
		empty: func(ctx context.Context) error {
			return exec(ctx, "DROP DATABASE IF EXISTS shop SYNC", "CREATE DATABASE shop",
				"CREATE TABLE shop.orders ("+columns+") ENGINE = MergeTree ORDER BY (user_id, id)")
		},
		load: func(ctx context.Context) error {
			return s.Load(ctx, "shop.orders", "id, user_id, cents, created", 10_000_000, 1_000_000, func(from, to int) []any {
				id, user, cents, created := make([]uint64, to-from), make([]uint32, to-from), make([]uint32, to-from), make([]int64, to-from)
				for i := range id {
					n := from + i
					id[i], user[i], cents[i], created[i] = uint64(n), uint32(n*7919%50_000), uint32(100+n%99_991), 1_767_225_600+int64(n)
				}
				return []any{id, user, cents, created}
			})
		},
		export: func(ctx context.Context) error {
			return exec(ctx, "INSERT INTO FUNCTION file('orders.native', 'Native', '"+columns+"') SELECT * FROM shop.orders")
		},
		bulk: func(ctx context.Context) (time.Duration, error) {
			began := time.Now()
			err := exec(ctx, "INSERT INTO shop.orders SELECT * FROM file('orders.native', 'Native', '"+columns+"')")
			return time.Since(began), err
		},
		loaded: func(ctx context.Context) (int64, error) {
			var n uint64
			err := s.Admin().QueryRow(ctx, "SELECT count() FROM shop.orders").Scan(&n)
			return int64(n), err
		},
	}
}

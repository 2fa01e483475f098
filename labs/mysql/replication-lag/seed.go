package replicationlag

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"time"

	"faultlab/internal/mysql"
)

// points came into the shop with a company that was bought, as a file: nobody
// gave it a key. points_delta is what the nightly batch adds.
var tables = []string{
	`CREATE TABLE points (
		account_id INT UNSIGNED     NOT NULL,
		program    TINYINT UNSIGNED NOT NULL, -- 1 flights, 2 hotels; one row for each account and program
		tier       ENUM('basic', 'silver', 'gold') NOT NULL,
		balance    INT              NOT NULL,
		updated_at DATETIME(3)      NOT NULL,
		profile    VARCHAR(400)     NOT NULL
	)`,
	`CREATE TABLE points_delta (
		night      INT UNSIGNED     NOT NULL,
		account_id INT UNSIGNED     NOT NULL,
		program    TINYINT UNSIGNED NOT NULL,
		part       TINYINT UNSIGNED NOT NULL, -- the batch commits part by part
		delta      INT              NOT NULL,
		PRIMARY KEY (night, account_id, program)
	)`,
}

const (
	accounts = 30_000
	programs = 2
	changes  = 800 // rows that one night changes
	parts    = 4   // transactions that it takes
)

// key names a row; the table itself does not know it.
type key struct{ account, program int }

// row is what points says of a key; the profile follows from the key.
type row struct {
	tier    string
	balance int
	updated int64 // Unix milliseconds
}

// imported is the table as it came, and the order of its rows.
func imported(seed uint64) (map[key]row, []key) {
	r := rand.New(rand.NewPCG(seed, 1))
	first := 100_000 + r.IntN(100_000)
	rows := make(map[key]row, accounts*programs)
	order := make([]key, 0, accounts*programs)
	at := time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)
	for a := range accounts {
		tier := []string{"basic", "basic", "basic", "silver", "silver", "gold"}[r.IntN(6)]
		for p := range programs {
			k := key{first + 3*a, p + 1}
			rows[k] = row{tier, r.IntN(50_000), at.UnixMilli()}
			order = append(order, k)
		}
	}
	r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	return rows, order
}

// delta is a row of points_delta.
type delta struct {
	night int
	key
	part, points int
}

func (k key) profile() string {
	text := fmt.Sprintf(`{"account": %d, "program": %d, "since": "20%02d", "settings": "`, k.account, k.program, k.account%20)
	return text + strings.Repeat("-", 330-len(text)) + `"}`
}

func load(seed uint64) func(*mysql.Rows) {
	rows, order := imported(seed)
	return func(w *mysql.Rows) {
		for _, k := range order {
			v := rows[k]
			w.Add(k.account, k.program, v.tier, v.balance, time.UnixMilli(v.updated), k.profile())
		}
	}
}

// digest is what the query in wrong makes of the same row.
func (k key) digest(v row) uint32 {
	return crc32.ChecksumIEEE(fmt.Appendf(nil, "%s|%d|%d|%s", v.tier, v.balance, v.updated, k.profile()))
}

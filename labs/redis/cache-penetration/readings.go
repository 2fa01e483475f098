package cachepenetration

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"faultlab/internal/lab"
)

// readings is what the day came to.
func (d *day) readings(r *lab.Readings) error {
	r.Set("penetration", "statements for each request", d.penetration)
	r.Set("cache-misses", "statements for each request", d.missRatio)
	for _, name := range []string{"created-unseen", "imported-unseen", "false-negatives", "wrong-answers"} {
		r.Set(name, "answers", float64(d.wrong[name]))
		if note := d.notes[name]; note != "" {
			r.Note(name, "%s", note)
		}
	}
	r.Set("redis-memory", "MB", float64(d.most-d.empty)/1e6)
	r.Set("left-by-scan", "bytes for each id", d.left)
	r.Set("scanned", "statements for each id", d.scanned)
	r.Set("redis-commands", "for each request", d.commands)
	return nil
}

// ofOne is a key that stands for one product: its id is in the name.
var ofOne = regexp.MustCompile(`[0-9]{6,}`)

// shared are keys that stand for more than one product, a few of them.
func (d *day) shared(ctx context.Context) (keys []string, err error) {
	const most = 6
	err = d.redis.Scan(ctx, "*", func(page []string) error {
		for _, key := range page {
			if !ofOne.MatchString(key) {
				keys = append(keys, key)
			}
		}
		return nil
	})
	slices.Sort(keys)
	keys = slices.Compact(keys)
	if len(keys) > most {
		keys = keys[:most]
	}
	if err != nil {
		return nil, fmt.Errorf("look for keys: %w", err)
	}
	return keys, nil
}

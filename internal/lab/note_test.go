package lab

import (
	"testing"
)

func TestNote(t *testing.T) {
	var r Readings
	r.Note("rows-read", "key: %s", "NULL")
	r.Set("rows-read", "rows", 1000)
	r.Note("rows-read", "a later one")
	c := AtMost("rows-read", 200).Else("too many")
	if o := c.judge(&r, r.copied()); o.Seen != "key: NULL" || o.Hint != "too many" {
		t.Errorf("a failed check: %+v", o)
	}
	if o := AtMost("rows-read", 2000).judge(&r, &r); o.Seen != "" {
		t.Errorf("one that holds: %+v", o)
	}
}

package mysql

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// What this package's server gets is seen in the labs; here it is what must not
// be touched.
func TestOneStatement(t *testing.T) {
	first := func(number byte, capabilities uint32) []byte {
		b := make([]byte, 4, 64)
		b = binary.LittleEndian.AppendUint32(b, capabilities)
		b = append(b, 0, 0, 0, 1, 45) // longest packet, character set
		b = append(b, make([]byte, 23)...)
		b = append(b, "reports\x00\x00"...)
		b[0], b[3] = byte(len(b)-4), number
		return b
	}
	const wants = 1<<9 | 1<<16 | 1<<17
	got := first(1, wants)
	OneStatement(got)
	if want := first(1, 1<<9|1<<17); !bytes.Equal(got, want) {
		t.Errorf("the first packet became\n%q, not\n%q", got, want)
	}
	long := first(1, wants)
	long[0]++
	text := first(1, wants)
	text[20] = 'x'
	for name, sent := range map[string][]byte{
		"a statement": append([]byte{40, 0, 0, 0, 3}, "SELECT 1 /* with some more text in it */"...),
		"a later one": first(0, wants), "half of one": long, "not a handshake": text, "short": {1, 0, 0, 1, 14}, "nothing": nil,
	} {
		was := bytes.Clone(sent)
		if OneStatement(sent); !bytes.Equal(sent, was) {
			t.Errorf("%s became %q", name, sent)
		}
	}
}

package fix

import (
	"maps"
	"strings"
	"testing"
)

func TestProperties(t *testing.T) {
	set, err := Properties("# where\nread-from = replica\n\n a=  b = c \n", "read-from", "a")
	if err != nil || set["read-from"] != "replica" || set["a"] != "b = c" {
		t.Errorf("got %v, %v", set, err)
	}
	for text, want := range map[string]string{
		"a = 1\nb":       `line 2: "b" is not name = value`,
		"a = 1\n# x\nc=": `line 3: there is no setting "c", only a, b`,
		"a = 1\na = 2":   "line 2: a is set twice",
		"a = 1\nb =":     "b is not set",
	} {
		if _, err := Properties(text, "a", "b"); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// What is taken is what stands there, and is taken again when it is written anew.
func FuzzProperties(f *testing.F) {
	for _, s := range []string{"a=1\nb = 2", "# a\n\na=\nb=x=y", "a", "c=1", "a=1\r\nb=2\r", " a\t=\x00\nb==", "a=1\na=2\nb=3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		set, err := Properties(text, "a", "b")
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("more than a line: %v", err)
			}
			return
		}
		if len(set) != 2 {
			t.Fatalf("%q of %q", set, text)
		}
		again, err := Properties("b = "+set["b"]+"\na = "+set["a"], "a", "b")
		if err != nil || !maps.Equal(set, again) {
			t.Fatalf("%q is %q, then %q: %v", text, set, again, err)
		}
	})
}

package fix

import "testing"

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

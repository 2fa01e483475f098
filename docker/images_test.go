package docker

import (
	"testing"
)

func TestEnsure(t *testing.T) {
	for _, e := range Table {
		img, err := Ensure(t.Context(), e.Server, t.Logf)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(img)
	}
}

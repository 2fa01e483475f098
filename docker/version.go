package docker

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// proved says whether the labs are proved on the version in the image.
func (e Entry) proved(img Image) error {
	if os.Getenv("LAB_ANY_VERSION") != "" {
		return nil
	}
	if compare(img.Version, e.From) >= 0 && compare(img.Version, e.To) < 0 {
		return nil
	}
	return fmt.Errorf("%s holds %s %s, but the labs are proved on %s up to but not including %s: set LAB_ANY_VERSION=1 to run them all the same",
		img.Name, img.Server, img.Version, e.From, e.To)
}

// compare orders versions by their numbers: "9.10" comes after "9.9".
func compare(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		m, _ := strconv.Atoi(x) // what is no number counts as zero
		n, _ := strconv.Atoi(y)
		if m != n {
			return m - n
		}
	}
	return 0
}

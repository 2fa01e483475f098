package trial

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Meaning says what a reading is, and which statement or command shows the
// same number to anybody.
type Meaning struct {
	Reading string
	Text    string // Markdown
}

// Explained reads the readings.md of a lab's folder: a heading "## reading" and
// what it means, for each. One that is missing explains nothing.
func Explained(dir string) ([]Meaning, error) {
	text, err := os.ReadFile(filepath.Join(dir, "readings.md"))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, fmt.Errorf("read meanings: %w", err)
	}
	var list []Meaning
	for _, part := range strings.Split("\n"+string(text), "\n## ")[1:] { // before the first is the title
		head, body, _ := strings.Cut(part, "\n")
		body = strings.Trim(body, "\n")
		for name := range strings.FieldsFuncSeq(head, func(r rune) bool { return r == ',' || r == ' ' }) {
			list = append(list, Meaning{name, body})
		}
	}
	return list, nil
}

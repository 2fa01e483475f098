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
	for _, part := range parts(string(text)) {
		head, body, _ := strings.Cut(part, "\n")
		body = strings.Trim(body, "\n")
		for name := range strings.FieldsFuncSeq(head, func(r rune) bool { return r == ',' || r == ' ' }) {
			list = append(list, Meaning{name, body})
		}
	}
	return list, nil
}

// Hints reads the rungs of a lab's hints.md, each with its heading.
func Hints(dir string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "hints.md"))
	if err != nil {
		return nil, fmt.Errorf("read hints: %w", err)
	}
	rungs := parts(string(text))
	if len(rungs) == 0 {
		return nil, fmt.Errorf("%s has no hint: each begins with a heading \"## \"", filepath.Join(dir, "hints.md"))
	}
	for i, rung := range rungs {
		rungs[i] = "## " + strings.TrimSpace(rung) + "\n"
	}
	return rungs, nil
}

// parts cuts a text at its headings "## ", which the parts begin without. What
// is before the first is the title.
func parts(text string) []string { return strings.Split("\n"+text, "\n## ")[1:] }

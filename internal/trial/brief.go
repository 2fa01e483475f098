package trial

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"faultlab/internal/lab"
)

// sections are a brief's headings, in their order.
var sections = []string{"## Story", "## Symptoms", "## Your task", "## How it is measured", "## Background"}

// Comments in a brief tell the proof what else must be true of it:
//
//	<!-- measured: 19.7 MB = biggest-key / 1000000 ± 5 % -->
//	<!-- spoilers: index, composite -->
var (
	measuredRE = regexp.MustCompile(`<!-- measured: (.*?) = (\S+)(?: / ([0-9]+))? ± ([0-9.]+) % -->`)
	spoilersRE = regexp.MustCompile(`<!-- spoilers: (.*?) -->`)
	numberRE   = regexp.MustCompile(`[0-9][0-9,]*(?:\.[0-9]+)?`)
	fileRE     = regexp.MustCompile("`(?:fix|start)/([a-zA-Z0-9_.-]+)`")
	commentRE  = regexp.MustCompile(`(?s)<!--.*?-->`)
)

// brief is a lab's README.md.
type brief struct{ text string }

func readBrief(dir string) (brief, error) {
	text, err := os.ReadFile(filepath.Join(dir, "README.md"))
	return brief{string(text)}, err
}

// section is the text under a heading, without comments.
func (b brief) section(heading string) string {
	_, text, _ := strings.Cut(b.text, "\n"+heading+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	return commentRE.ReplaceAllString(text, "")
}

// gaps lists what the brief lacks or says wrongly, as far as reading it tells.
func (b brief) gaps(dir string) (gaps []string) {
	at := 0
	for _, heading := range sections {
		i := strings.Index(b.text[at:], "\n"+heading+"\n")
		if i < 0 {
			gaps = append(gaps, fmt.Sprintf("README.md has no %q, or not in its place", heading))
			continue
		}
		at += i + 1
	}
	if len(gaps) > 0 {
		return gaps
	}
	if strings.Contains(b.text, "TODO") {
		gaps = append(gaps, "README.md still says TODO")
	}
	for _, m := range fileRE.FindAllStringSubmatch(b.text, -1) {
		if _, err := os.Stat(filepath.Join(dir, "start", m[1])); err != nil {
			gaps = append(gaps, fmt.Sprintf("README.md names the file %s, which start/ has not", m[1]))
		}
	}
	if !measuredRE.MatchString(b.text) {
		gaps = append(gaps, "README.md has no comment \"measured: …\" that holds a number of the symptoms to what is measured")
	}
	for _, m := range measuredRE.FindAllStringSubmatch(b.text, -1) {
		if !strings.Contains(b.section("## Symptoms"), m[1]) {
			gaps = append(gaps, fmt.Sprintf("README.md says that %q is measured, and its symptoms don't have it", m[1]))
		}
	}
	words := spoilersRE.FindStringSubmatch(b.text)
	if words == nil {
		return append(gaps, "README.md has no comment \"spoilers: …\" with the words that would give the answer away")
	}
	for word := range strings.SplitSeq(words[1], ",") {
		word = strings.TrimSpace(word)
		for _, heading := range []string{"## Story", "## Symptoms"} {
			if regexp.MustCompile(`(?i)\b` + regexp.QuoteMeta(word) + `\b`).MatchString(b.section(heading)) {
				gaps = append(gaps, fmt.Sprintf("README.md gives %q away under %q", word, heading))
			}
		}
	}
	return gaps
}

// wrong lists the numbers of the symptoms that are not what was measured on the
// broken state.
func (b brief) wrong(broken *lab.Readings) (wrong []string) {
	for _, m := range measuredRE.FindAllStringSubmatch(b.text, -1) {
		said, err := strconv.ParseFloat(strings.ReplaceAll(numberRE.FindString(m[1]), ",", ""), 64)
		within, err2 := strconv.ParseFloat(m[4], 64)
		x, ok := broken.Get(m[2])
		if err != nil || err2 != nil || !ok {
			wrong = append(wrong, fmt.Sprintf("README.md: no number in %q, or no reading %s", m[1], m[2]))
			continue
		}
		got := x.Value
		if m[3] != "" {
			by, _ := strconv.ParseFloat(m[3], 64) // digits
			got /= by
		}
		if math.Abs(got-said) > said*within/100 {
			wrong = append(wrong, fmt.Sprintf("README.md says %s, and %s is measured: %s", m[1], lab.Number(got), m[2]))
		}
	}
	slices.Sort(wrong)
	return wrong
}

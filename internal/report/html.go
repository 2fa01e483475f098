package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/quote"
)

//go:embed html/report.css
var css string

//go:embed html/report.tmpl
var source string

// The policy of the page forbids whatever would be loaded or run; the one
// style that it allows is its own, known by its hash.
var layout = template.Must(template.New("report").Funcs(template.FuncMap{"icon": icon}).Parse(
	strings.Replace(source, "CSSHASH", "sha256-"+hash(css), 1)))

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// HTML writes the result as one file that loads nothing: no script, no font,
// no picture from elsewhere. Whatever a learner's program or a server said is
// escaped and fenced. evidence is the folder of what was saved of the servers,
// or nil.
func HTML(w io.Writer, r *lab.Result, evidence fs.FS) error {
	logs, err := logs(evidence)
	if err != nil {
		return fmt.Errorf("read evidence: %w", err)
	}
	v := view{
		CSS: template.CSS(css), Lab: r.Lab, Title: r.Title, Verdict: r.Verdict, Word: word(r),
		Facts: facts(r), Checks: checkViews(r), Readings: readingViews(r), Charts: charts(r), Phases: phaseViews(r),
		Command: quote.Plain(r.Command), Diff: diffLines(r.Change), Servers: r.Servers, Setting: setting(r),
		Evidence: logs, Folder: r.Evidence,
	}
	v.Sentence, v.Said = sentence(r)
	v.ChangeTitle, v.NoChange = "Your change", "fix/ is the same as start/: nothing was changed yet."
	if r.Variant != "fix" {
		v.ChangeTitle, v.NoChange = "The change in "+quote.Plain(r.Variant)+"/", quote.Plain(r.Variant)+"/ is the same as start/."
	}
	if r.Variant == "start" {
		v.NoChange = "This was the broken state itself: nothing was changed."
	}
	if !r.Live {
		v.Again = again(r)
	}
	for _, s := range []struct {
		there     bool
		id, title string
	}{
		{len(v.Checks) > 0, "checks", "Checks"}, {len(v.Readings) > 0, "readings", "Readings"}, {len(v.Charts) > 0, "series", "Over time"},
		{true, "change", v.ChangeTitle}, {len(v.Phases) > 0, "timeline", "Timeline"}, {true, "environment", "Environment"},
		{len(v.Evidence) > 0, "evidence", "Evidence"},
	} {
		if s.there {
			v.Sections = append(v.Sections, section{s.id, s.title})
		}
	}
	return layout.Execute(w, v)
}

// view is what the template shows, in words and lengths.
type view struct {
	CSS         template.CSS
	Lab, Title  string
	Verdict     lab.Verdict
	Word        string
	Sentence    string
	Said        *said
	Facts       []fact
	Sections    []section
	Checks      []checkView
	Readings    []readingView
	Charts      []chart
	ChangeTitle string
	NoChange    string
	Command     string
	Diff        []diffLine
	Phases      []phaseView
	Servers     []lab.Server
	Setting     []fact
	Evidence    []log
	Folder      string
	Again       string
}

type (
	fact    struct{ Name, Value string }
	section struct{ ID, Title string }
	said    struct{ By, Text string }
	log     struct{ Name, Text string }
)

func word(r *lab.Result) string {
	w := strings.ToUpper(string(r.Verdict))
	if r.Live {
		return "Live: " + string(r.Verdict)
	}
	return w
}

// sentence says in one what the verdict means, and what the one who caused it
// said, if that is not told by a check.
func sentence(r *lab.Result) (string, *said) {
	failed, skipped := r.Failed(), 0
	shown := r.Reason == ""
	for _, c := range r.Checks {
		if c.Skipped {
			skipped++
		}
		shown = shown || c.Hint == r.Reason
	}
	n := len(r.Checks)
	switch {
	case r.Verdict == lab.Pass && skipped > 0:
		return fmt.Sprintf("%d of %s hold; the others could not be measured.", n-skipped, count(n, "check")), nil
	case r.Verdict == lab.Pass:
		return fmt.Sprintf("All %s hold.", count(n, "check")), nil
	case r.Verdict == lab.Fail:
		text := fmt.Sprintf("%d of %s failed: %s.", len(failed), count(n, "check"), strings.Join(failed, ", "))
		if n == 0 {
			text = "The fix ended in an error."
		}
		if skipped > 0 {
			text += fmt.Sprintf(" The run ended before %d could be measured.", skipped)
		}
		if shown {
			return text, nil
		}
		return text, &said{"The error, word for word", plain(r.Reason)}
	}
	first, rest, more := strings.Cut(r.Reason, "\n")
	text := "The run says nothing about the fix: " + quote.Plain(first)
	if more {
		return text, &said{"The error, word for word", plain(rest)}
	}
	return text, nil
}

// most of what others said that a page shows, in bytes.
const mostSaid = 16 << 10

// plain is what others said, without what reorders or hides text, and cut.
func plain(text string) string { return tail(quote.Plain(strings.TrimRight(text, "\n")), mostSaid) }

// tail keeps the end of text, from the start of a line.
func tail(text string, most int) string {
	if len(text) <= most {
		return text
	}
	text = text[len(text)-most:]
	if _, rest, ok := strings.Cut(text, "\n"); ok {
		text = rest
	}
	return "… the beginning is cut off\n" + strings.ToValidUTF8(text, "")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func facts(r *lab.Result) []fact {
	list := []fact{{"Judged", quote.Plain(r.Variant) + "/"}}
	if r.Live {
		list[0] = fact{"Judged", "the playground as it stood"}
	}
	if !r.Started.IsZero() {
		list = append(list, fact{"Started", r.Started.UTC().Format("2006-01-02 15:04:05 UTC")})
	}
	took := seconds(r.Elapsed - turn(r))
	if w := turn(r); w >= time.Second {
		took += ", after " + seconds(w) + " of waiting for its turn"
	}
	return append(list, fact{"Took", took}, fact{"Seed", fmt.Sprint(r.Seed)})
}

func setting(r *lab.Result) []fact {
	list := []fact{{"Seed", fmt.Sprint(r.Seed)}}
	if m := r.Machine; m.Cores > 0 {
		list = append(list, fact{"Cores", fmt.Sprint(m.Cores)}, fact{"System", m.OS + "/" + m.Arch})
	}
	return list
}

func again(r *lab.Result) string {
	text := "lab run " + r.Lab
	if r.Variant != "fix" {
		text += " --variant " + r.Variant
	}
	return text + fmt.Sprintf(" --seed %d", r.Seed)
}

type checkView struct {
	ID, State, Word string
	Says, Got, Hint string
	Seen            string
	Said            *said
}

// checkViews has what failed first, since that is what is looked for.
func checkViews(r *lab.Result) []checkView {
	var list []checkView
	for _, c := range r.Checks {
		v := checkView{ID: c.ID, State: "pass", Word: "holds", Says: c.Says, Got: c.Got}
		switch {
		case c.Skipped:
			v.State, v.Word, v.Says, v.Got = "skipped", "not measured", "Not measured: the run ended before.", ""
			if r.Live {
				v.Says = "Not measured in a playground."
			}
		case !c.OK:
			v.State, v.Word = "fail", "failed"
		}
		if c.ID == lab.ApplyCheck {
			v.Got = ""
		} else if !c.Skipped {
			v.Says = strings.TrimPrefix(c.Says, c.ID+" ")
		}
		v.Says, v.Got, v.Seen = quote.Plain(v.Says), quote.Plain(v.Got), oneLine(c.Seen)
		if c.Hint != "" && c.Hint == r.Reason {
			v.Said = &said{"The error, word for word", plain(c.Hint)}
		} else {
			v.Hint = quote.Plain(c.Hint)
		}
		list = append(list, v)
	}
	rank := map[string]int{"fail": 0, "skipped": 1, "pass": 2}
	slices.SortStableFunc(list, func(a, b checkView) int { return rank[a.State] - rank[b.State] })
	return list
}

type readingView struct {
	Name, Unit    string
	Before, After string
	Bars          *bars
	Change        string
}

// bars are lengths in percent; From and To are the ends of a log scale.
type bars struct {
	Before, After string
	From, To      string
}

func readingViews(r *lab.Result) []readingView {
	var list []readingView
	for _, x := range pairs(r) {
		list = append(list, readingView{
			Name: x.Name, Unit: x.Unit, Before: measured(x.Before), After: measured(x.After), Bars: scale(x), Change: change(x),
		})
	}
	return list
}

func measured(v *float64) string {
	if v == nil {
		return ""
	}
	return lab.Number(*v)
}

// far is the ratio from which on two bars are drawn on a log scale: at a
// hundred to one the smaller would be no more than a hair.
const far = 50

func scale(x pair) *bars {
	var known []float64
	for _, v := range []*float64{x.Before, x.After} {
		if v != nil {
			known = append(known, *v)
		}
	}
	if len(known) < 2 || slices.Min(known) < 0 || slices.Max(known) == 0 {
		return nil
	}
	low, high := slices.Min(known), slices.Max(known)
	length := func(v float64) float64 { return v / high }
	b := &bars{}
	if low > 0 && high/low >= far {
		// From the power of ten below the smaller one to the one above the larger.
		from, to := math.Ceil(math.Log10(low))-1, math.Ceil(math.Log10(high))
		length = func(v float64) float64 { return (math.Log10(v) - from) / (to - from) }
		b.From, b.To = lab.Number(math.Pow(10, from)), lab.Number(math.Pow(10, to))
	}
	for _, side := range []struct {
		v  *float64
		to *string
	}{{x.Before, &b.Before}, {x.After, &b.After}} {
		if side.v != nil && *side.v > 0 {
			// A little less than all of it, so that an outline is not cut off.
			*side.to = percent(max(0.005, 0.99*length(*side.v)))
		}
	}
	return b
}

func percent(part float64) string { return fmt.Sprintf("%.2f%%", 100*part) }

type phaseView struct {
	Name, Kind  string
	X, Width    string
	Began, Took string
	Error       string
}

// turn is when the lab had its turn, which is where times in a report count
// from: the wait for other labs may be far longer than the run.
func turn(r *lab.Result) time.Duration {
	for _, t := range r.Phases {
		if t.Phase == lab.Admit {
			return t.At + t.Elapsed
		}
	}
	return 0
}

func phaseViews(r *lab.Result) []phaseView {
	from, to := turn(r), time.Duration(0)
	for _, t := range r.Phases {
		to = max(to, t.At+t.Elapsed)
	}
	var list []phaseView
	for _, t := range r.Phases {
		if t.Phase == lab.Admit && t.Error == "" {
			continue
		}
		v := phaseView{Name: string(t.Phase), Began: seconds(max(0, t.At-from)), Took: seconds(t.Elapsed)}
		if t.Error != "" {
			v.Error = "failed"
			if !strings.Contains(r.Reason, t.Error) { // else it is told above
				first, _, _ := strings.Cut(quote.Plain(t.Error), "\n")
				v.Error += ": " + first
			}
		}
		switch t.Phase {
		case lab.Break, lab.Settle, lab.Measure:
			v.Kind = "broken"
		case lab.Apply, lab.SettleFixed, lab.Remeasure, lab.Hold, lab.Integrity:
			v.Kind = "fixed"
		}
		if span := (to - from).Seconds(); span > 0 && t.Phase != lab.Admit {
			width := max(t.Elapsed.Seconds()/span, 0.01)
			v.X, v.Width = percent(min((t.At-from).Seconds()/span, 1-width)), percent(width)
		}
		list = append(list, v)
	}
	return list
}

type diffLine struct{ Kind, Text string }

// mostDiff is how many lines of a change are shown: more than any answer has.
const mostDiff = 2000

// diffLines counts a hunk's lines by its header: a removed SQL comment looks
// like the name of a file.
func diffLines(diff string) []diffLine {
	var list []diffLine
	old, now := 0, 0 // lines of the hunk that are to come
	for l := range strings.Lines(diff) {
		if len(list) == mostDiff {
			return append(list, diffLine{"hunk", "… the rest is cut off"})
		}
		l = quote.Plain(strings.TrimRight(l, "\r\n"))
		kind := "same"
		switch {
		case old <= 0 && now <= 0 && strings.HasPrefix(l, "@@"):
			kind = "hunk"
			old, now = hunk(l)
		case old <= 0 && now <= 0 && !strings.HasPrefix(l, `\`):
			kind = "file"
		case strings.HasPrefix(l, "+"):
			kind = "add"
			now--
		case strings.HasPrefix(l, "-"):
			kind = "del"
			old--
		case !strings.HasPrefix(l, `\`): // no newline at the end of the file
			old--
			now--
		}
		list = append(list, diffLine{kind, l})
	}
	return list
}

var hunkRE = regexp.MustCompile(`^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@`)

func hunk(header string) (old, now int) {
	lines := []int{1, 1} // what is not said
	if m := hunkRE.FindStringSubmatch(header); m != nil {
		for i, text := range m[1:] {
			if n, err := strconv.Atoi(text); err == nil {
				lines[i] = n
			}
		}
	}
	return lines[0], lines[1]
}

// logs are the texts of an evidence folder. What is for programs is left out.
func logs(dir fs.FS) ([]log, error) {
	if dir == nil {
		return nil, nil
	}
	entries, err := fs.ReadDir(dir, ".")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []log
	for _, e := range entries {
		if ext := path.Ext(e.Name()); !e.Type().IsRegular() || ext != ".txt" && ext != ".log" {
			continue
		}
		text, err := fs.ReadFile(dir, e.Name())
		if err != nil {
			return nil, err
		}
		if t := plain(string(text)); t != "" {
			list = append(list, log{e.Name(), t})
		}
	}
	return list, nil
}

// icon is drawn, so that it looks the same whatever fonts there are; beside it
// stands a word.
func icon(state any) template.HTML {
	paths := map[string]string{
		"pass":    `<path d="M6 12.5l4 4 8-9"/>`,
		"fail":    `<path d="M7.5 7.5l9 9m0-9l-9 9"/>`,
		"invalid": `<path d="M12 6.5v7m0 3.4v.1"/>`,
		"skipped": `<path d="M7.5 12h9"/>`,
	}
	return template.HTML(`<svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" stroke-linejoin="round"><circle cx="12" cy="12" r="10.5" stroke-width="1.6"/>` +
		paths[fmt.Sprint(state)] + `</svg>`) // #nosec G203 -- a constant of ours
}

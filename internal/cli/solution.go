package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"faultlab/internal/fix"
	"faultlab/internal/lab"
	"faultlab/internal/progress"
	"faultlab/internal/report"
	"faultlab/internal/trial"
)

func (a *App) solution() *cobra.Command {
	var spoil bool
	cmd := &cobra.Command{
		Use:   "solution NAME",
		Short: "Show the answers of a lab that you have solved",
		Long: `Shows the reference answer, the other right ones, the tempting wrong ones with
why they fail, and how your fix differs from the reference. Before you have
solved the lab it wants --spoil.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.names,
		RunE: func(_ *cobra.Command, args []string) error {
			l, root, err := a.place(args[0])
			if err != nil {
				return err
			}
			done, err := progress.Load()
			if err != nil {
				return fault{err}
			}
			if done.Solved(l.Name).IsZero() && !spoil {
				return fmt.Errorf("you have not solved %s yet: lab hint %s helps without giving it away, --spoil shows the answer all the same", l.Name, l.Name)
			}
			text, err := a.answers(trial.Dir(root, l.Name), l)
			if err != nil {
				return fault{err}
			}
			return a.page(text)
		},
	}
	cmd.Flags().BoolVar(&spoil, "spoil", false, "show it although you have not solved the lab")
	return cmd
}

// answers is all variants as text: the reference in full, of the others what
// their authors say about them.
func (a *App) answers(dir string, l *lab.Lab) (string, error) {
	o, _ := report.Terminal(a.Out)
	var b strings.Builder
	head := func(text string) {
		if o.Color {
			text = "\x1b[1m" + text + "\x1b[0m"
		}
		fmt.Fprintf(&b, "%s\n\n", text)
	}
	reference, err := fix.Read(dir, "solution", l.Fix)
	if err != nil {
		return "", err
	}
	head("The reference: " + nearby(reference.Dir))
	for _, name := range slices.Sorted(maps.Keys(reference.Files)) {
		if len(reference.Files) > 1 {
			fmt.Fprintf(&b, "%s:\n", name)
		}
		fmt.Fprintf(&b, "%s\n", indent(reference.Files[name]))
	}
	names, err := fix.List(dir)
	if err != nil {
		return "", err
	}
	for _, family := range []struct{ prefix, head string }{
		{"also/", "Right as well"}, {"wrong/", "Tempting, and wrong"},
	} {
		head(family.head)
		for _, name := range names {
			if !strings.HasPrefix(name, family.prefix) {
				continue
			}
			v, err := fix.Read(dir, name, l.Fix)
			if err != nil {
				return "", err
			}
			says := name
			if p, err := fix.Promised(v); err == nil && family.prefix == "wrong/" {
				says += "  fails on " + strings.Join(p.Fails, ", ")
			}
			fmt.Fprintf(&b, "%s\n%s\n", says, indent(preface(v)))
		}
	}
	mine, err := fix.Read(dir, "fix", l.Fix)
	if err != nil {
		return b.String(), nil //nolint:nilerr // there is nothing to compare with
	}
	head("From your fix/ to the reference")
	if change := fix.Diff(mine, reference); change != "" {
		b.WriteString(change)
	} else {
		b.WriteString("They are the same.\n")
	}
	return b.String(), nil
}

// preface is the comment at the head of a variant, without the lines in which
// it promises something to the proof.
func preface(v lab.Variant) string {
	for _, name := range slices.Sorted(maps.Keys(v.Files)) {
		var lines []string
		for line := range strings.Lines(v.Files[name]) {
			line = strings.TrimSpace(line)
			text, ok := comment(line)
			if !ok {
				break
			}
			if !strings.HasPrefix(text, "fails:") && !strings.HasPrefix(text, "shows:") {
				lines = append(lines, text)
			}
		}
		if text := strings.TrimSpace(strings.Join(lines, "\n")); text != "" {
			return text + "\n"
		}
	}
	return "(see its files)\n"
}

func comment(line string) (text string, ok bool) {
	for _, mark := range []string{"--", "//", "#"} {
		if rest, ok := strings.CutPrefix(line, mark); ok {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ") + "\n"
}

package report

import (
	"os"
	"strings"

	"golang.org/x/term"
)

// Terminal says what the terminal behind f can do; tty is false for a file or
// a pipe, which gets neither colour nor rewritten lines. NO_COLOR and
// TERM=dumb are honoured, and a locale that is not UTF-8 gets ASCII.
func Terminal(f *os.File) (o Options, tty bool) {
	o.ASCII = !utf8Locale(os.Getenv)
	fd := int(f.Fd())
	if !term.IsTerminal(fd) || os.Getenv("TERM") == "dumb" {
		return o, false
	}
	o.Color = os.Getenv("NO_COLOR") == ""
	if width, _, err := term.GetSize(fd); err == nil {
		o.Width = width
	}
	return o, true
}

// utf8Locale asks the first of the variables that is set, as POSIX has it. With
// none set nothing is known, and nearly every terminal now speaks UTF-8.
func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := strings.ToUpper(getenv(name)); value != "" {
			return strings.Contains(value, "UTF-8") || strings.Contains(value, "UTF8")
		}
	}
	return true
}

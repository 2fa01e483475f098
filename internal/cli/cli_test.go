package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"faultlab/internal/measure"
	"faultlab/internal/playground"
	"faultlab/internal/trial"
	"faultlab/labs"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lab": func() { os.Exit(Main()) }})
}

// The scripts run in a checkout of their own, so that a fix/ that they make
// is theirs; they need no Docker engine, and most of them show what happens
// without one.
func TestScripts(t *testing.T) {
	run(t, "testdata/script", func(env *testscript.Env) error {
		env.Setenv("DOCKER_HOST", "unix://"+filepath.Join(env.WorkDir, "no.sock"))
		return nil
	})
}

// These need one.
func TestScriptsWithDocker(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a Docker engine")
	}
	run(t, "testdata/docker", func(env *testscript.Env) error {
		// Turns are taken in the system's temporary folder.
		env.Setenv("TMPDIR", os.TempDir())
		for _, name := range []string{"DOCKER_HOST", "HOME", "LAB_IMAGES"} {
			if value, ok := os.LookupEnv(name); ok {
				env.Setenv(name, value)
			}
		}
		root := filepath.Join(env.WorkDir, "faultlab")
		env.Defer(func() { // a script that fails half-way leaves a playground
			up, _ := playground.List(root)
			for _, name := range up {
				if err := playground.Down(context.Background(), root, name, t.Logf); err != nil {
					t.Error(err)
				}
			}
		})
		return nil
	})
}

func run(t *testing.T, dir string, setup func(*testscript.Env) error) {
	root, err := trial.Root(".")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			env.Setenv("NO_COLOR", "1")
			if err := setup(env); err != nil {
				return err
			}
			return checkout(root, filepath.Join(env.WorkDir, "faultlab"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "sigkill": kill, "await": await, "paste": paste},
	})
}

// exits runs a command that must end with the status: exits 3 lab up x.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND…")
	}
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%v", err)
	}
	got := 0
	if exit != nil {
		got = exit.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit status %d instead of %s", got, args[0])
	}
}

// kill ends the owner of a lab's playground with SIGKILL and waits for its end.
func kill(ts *testscript.TestScript, _ bool, args []string) {
	root := ts.MkAbs(".")
	s, _, err := playground.Find(root, args[0])
	ts.Check(err)
	p, err := os.FindProcess(s.PID)
	ts.Check(err)
	ts.Check(p.Kill())
	ts.Check(measure.Until(context.Background(), "it is dead", func(context.Context) (string, bool, error) {
		_, alive, err := playground.Find(root, args[0])
		return "it lives", !alive, err
	}))
}

// await waits until a file that a command in the background writes to matches:
// await FILE REGEXP [COUNT]
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await FILE REGEXP [COUNT]")
	}
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	want := 1
	if len(args) > 2 {
		want, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ts.Check(measure.Until(ctx, args[0]+" matches "+args[1], func(context.Context) (string, bool, error) {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		if errors.Is(err, fs.ErrNotExist) {
			return "it is not there", false, nil
		}
		return string(text), len(re.FindAll(text, -1)) >= want, err
	}))
}

// paste brings every lab up and pastes what its readings.md shows into the shell
// of the server that it is for: the first one of the language, or the one named
// behind it, as in "```sql replica".
func paste(ts *testscript.TestScript, _ bool, _ []string) {
	engines := map[string][]string{"sql": {"mysql", "clickhouse"}, "sh": {"kafka"}, "redis": {"redis"}}
	refused := regexp.MustCompile(`(?m)^(\(error\) )?[A-Z]+ .*(not permitted|unknown command|wrong number|no permissions)|^MOVED |^WRONGTYPE `)
	root := ts.MkAbs(".")
	for _, l := range labs.All {
		ts.Check(ts.Exec("lab", "up", l.Name))
		ts.Check(atRest(l.Name, ts))
		s, _, err := playground.Find(root, l.Name)
		ts.Check(err)
		text, err := os.ReadFile(filepath.Join(trial.Dir(root, l.Name), "readings.md"))
		ts.Check(err)
		blocks := fenced.FindAllStringSubmatch(string(text), -1)
		if len(blocks) == 0 {
			ts.Fatalf("%s shows no reading that could be pasted", l.Name)
		}
		for _, b := range blocks {
			lang, server, block := b[1], b[2], b[3]
			at := slices.IndexFunc(s.Servers, func(srv playground.Server) bool {
				return slices.Contains(engines[lang], srv.Engine) && (server == "" || server == srv.Name)
			})
			if at < 0 {
				ts.Fatalf("%s has no server for ```%s %s\n%s", l.Name, lang, server, block)
			}
			ts.Check(os.WriteFile(ts.MkAbs("block"), []byte(block), 0o644))
			if err := ts.Exec("sh", "-c", `lab shell "$0" "$1" <block`, l.Name, s.Servers[at].Name); err != nil {
				ts.Fatalf("%s: %v\n%s", l.Name, err, block)
			}
			if out := ts.ReadFile("stdout"); refused.MatchString(out) {
				ts.Fatalf("%s: pasted, this answers %q:\n%s", l.Name, out, block)
			}
		}
		ts.Check(ts.Exec("lab", "down", l.Name))
	}
}

// fenced is a block of code with a language, maybe a server, and its text.
var fenced = regexp.MustCompile("(?ms)^```([a-z]*) ?(\\S*)\n(.*?)^```$")

// atRest waits until the broken state of a playground was measured, which
// leaves what some readings are read from.
func atRest(name string, ts *testscript.TestScript) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c, _, err := playground.Dial(ts.MkAbs("."), name)
	if err != nil {
		return err
	}
	return measure.Until(ctx, name+" is measured", func(ctx context.Context) (string, bool, error) {
		s, err := c.Status(ctx)
		if err != nil {
			return "", false, err
		}
		return s.Traffic, !strings.Contains(s.Traffic, "measure"), nil
	})
}

// checkout copies what the command reads of a checkout, without any fix/.
func checkout(root, to string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		top, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
		switch {
		case rel == ".":
		case d.IsDir() && (d.Name() == "fix" && top == "labs" || top != "labs"):
			return filepath.SkipDir
		case top != "labs" && rel != "go.mod" && rel != "go.sum":
			return nil
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), text, 0o644)
	})
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"slow-query", "slow-qery", 1}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"faultlab/internal/playground"
)

func (a *App) status() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status [NAME]",
		Short: "Say which playgrounds are up, since when, and how to connect",
		Long: `Lists the playgrounds of this checkout. Each line below "connect" works when it
is pasted; where this machine lacks the client, it goes through lab shell.

Exit status: 0 whatever is up, 2 usage, 3 trouble.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.names,
		RunE: func(cmd *cobra.Command, args []string) error {
			root, err := a.root()
			if err != nil {
				return err
			}
			labs, err := playground.List(root)
			if err != nil {
				return fault{err}
			}
			if len(args) == 1 {
				l, err := a.find(args[0])
				if err != nil {
					return err
				}
				labs = []string{l.Name}
			}
			if asJSON {
				return a.statusJSON(cmd.Context(), root, labs)
			}
			if len(labs) == 0 {
				fmt.Fprintln(a.Out, "no playground is up; lab up NAME starts one")
			}
			var errs []error
			for i, name := range labs {
				if i > 0 {
					fmt.Fprintln(a.Out)
				}
				errs = append(errs, a.printStatus(cmd.Context(), root, name))
			}
			return errors.Join(errs...)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printStatus writes what is known of one lab's playground.
func (a *App) printStatus(ctx context.Context, root, name string) error {
	s, alive, err := playground.Find(root, name)
	switch {
	case errors.Is(err, playground.ErrNone):
		fmt.Fprintf(a.Out, "%s is not up; lab up %s starts it\n", name, name)
		return nil
	case err != nil:
		return fault{err}
	case s.Phase == playground.Failed && !alive:
		fmt.Fprintf(a.Out, "%s did not come up: %s\n", name, s.Error)
		return nil
	case !alive:
		fmt.Fprintf(a.Out, "%s died: its process is gone. lab down %s removes what it left, lab up %s starts it anew\n", name, name, name)
		return nil
	case s.Phase != playground.Up:
		fmt.Fprintf(a.Out, "%s is coming up for %s; lab up %s shows how far it is\n", name, ago(s.Since), name)
		return nil
	}
	c, _, err := playground.Dial(root, name)
	if err != nil {
		return fault{err}
	}
	now := clientStatus(ctx, c)
	fmt.Fprintf(a.Out, "%s is up since %s (%s)\n", name, s.Since.Local().Format("15:04:05"), ago(s.Since))
	fmt.Fprintf(a.Out, "  traffic   %s\n", now.Traffic)
	if now.Applied != nil {
		fmt.Fprintf(a.Out, "  applied   %s/ at %s\n", now.Applied.Variant, now.Applied.At.Local().Format("15:04:05"))
	}
	for _, srv := range s.Servers {
		state := now.Servers[srv.Name]
		if state == "running" || state == "" {
			state = ""
		} else {
			state = "  NOT RUNNING: " + state
		}
		fmt.Fprintf(a.Out, "\n  %s  %s %s, %s image%s\n", srv.Name, srv.Engine, srv.Version, srv.Origin, state)
		fmt.Fprintf(a.Out, "    bin/lab shell %s\n", a.shellName(s, srv))
		for _, line := range connectLines(s, srv) {
			fmt.Fprintf(a.Out, "    %s\n", line)
		}
	}
	fmt.Fprintf(a.Out, "\n  bin/lab reset %[1]s   the broken state anew\n  bin/lab down %[1]s    the end\n", name)
	return nil
}

// shellName is what lab shell wants to be told.
func (a *App) shellName(s *playground.State, srv playground.Server) string {
	if len(s.Servers) == 1 {
		return s.Lab
	}
	return s.Lab + " " + srv.Name
}

// connectLines are lines that work on this machine.
func connectLines(s *playground.State, srv playground.Server) []string {
	var lines []string
	for _, c := range srv.Connect {
		if c.Client == "" || onPath(c.Client) {
			lines = append(lines, c.Line)
			continue
		}
		// The shell itself says as much as its client without arguments.
		if len(c.Inside) > 1 && len(srv.Shell.Cmd) > 0 {
			lines = append(lines, fmt.Sprintf("bin/lab shell %s %s -- %s", s.Lab, srv.Name, strings.Join(c.Inside, " ")))
		}
	}
	if srv.Shell.HTTP != "" {
		lines = append(lines, fmt.Sprintf("echo 'SELECT version()' | bin/lab shell %s %s", s.Lab, srv.Name))
	}
	return lines
}

func onPath(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// ago is the time since then, as people say it.
func ago(t time.Time) string {
	d := time.Since(t)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}

// stated is a playground as status --json prints it.
type stated struct {
	Lab     string              `json:"lab"`
	State   string              `json:"state"` // none, starting, up, failed, died or damaged
	Error   string              `json:"error,omitempty"`
	Since   *time.Time          `json:"since,omitempty"`
	PID     int                 `json:"pid,omitempty"`
	Servers []playground.Server `json:"servers"`
	Now     *playground.Status  `json:"now,omitempty"`
}

func (a *App) statusJSON(ctx context.Context, root string, labs []string) error {
	all := make([]stated, 0, len(labs))
	for _, name := range labs {
		j := stated{Lab: name, State: "none", Servers: []playground.Server{}}
		s, alive, err := playground.Find(root, name)
		switch {
		case errors.Is(err, playground.ErrNone):
		case err != nil:
			j.State, j.Error = "damaged", err.Error()
		default:
			j.State, j.Error, j.Since, j.PID = string(s.Phase), s.Error, &s.Since, s.PID
			j.Servers = append(j.Servers, s.Servers...)
			if !alive && s.Phase != playground.Failed {
				j.State = "died"
			}
			if c, _, err := playground.Dial(root, name); err == nil && s.Phase == playground.Up {
				j.Now = clientStatus(ctx, c)
			}
		}
		all = append(all, j)
	}
	return a.json(all)
}

package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"faultlab/internal/lab"
	"faultlab/internal/playground"
	"faultlab/internal/report"
	"faultlab/internal/trial"
)

func (a *App) up() *cobra.Command {
	var seed uint64
	var verbose bool
	cmd := &cobra.Command{
		Use:   "up NAME",
		Short: "Start a lab's broken state and leave it running, to look at",
		Long: `Starts the lab's servers, brings the failure about and leaves all of it running,
the traffic of the service as well, until lab down. Look around with lab shell
and your own clients (lab status says how). What you do there never changes what
lab run says.

Exit status: 0 it is up, 2 usage, 3 this machine can't.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.names,
		RunE: func(cmd *cobra.Command, args []string) error {
			l, root, err := a.place(args[0])
			if err != nil {
				return err
			}
			show := a.progress(verbose)
			s, alive, err := playground.Find(root, l.Name)
			switch {
			case err == nil && alive && s.Phase == playground.Up:
				a.log("%s is up already", l.Name)
				return a.printStatus(cmd.Context(), root, l.Name)
			case err == nil && alive:
				a.log("%s is coming up already", l.Name)
				err = playground.Follow(cmd.Context(), root, l.Name, show)
			case alive: // damaged
				return fault{err}
			default:
				err = playground.Spawn(cmd.Context(), root, l.Name, []string{fmt.Sprintf("--seed=%d", seed)}, show)
			}
			if err != nil {
				return fault{err}
			}
			return a.printStatus(cmd.Context(), root, l.Name)
		},
	}
	cmd.Flags().Uint64Var(&seed, "seed", trial.Seed, "what the data derives from")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show every command that is run against a server")
	return cmd
}

// playground is the process that up starts and leaves behind.
func (a *App) playground() *cobra.Command {
	var seed uint64
	cmd := &cobra.Command{
		Use:    playground.Command + " NAME",
		Short:  "Own the servers of a playground until told to go down",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, root, err := a.place(args[0])
			if err != nil {
				return err
			}
			if err := playground.Serve(cmd.Context(), root, l, seed, report.Details(a.Err)); err != nil {
				return fault{err}
			}
			return nil
		},
	}
	cmd.Flags().Uint64Var(&seed, "seed", trial.Seed, "what the data derives from")
	return cmd
}

// place finds a lab and the checkout.
func (a *App) place(name string) (*lab.Lab, string, error) {
	l, err := a.find(name)
	if err != nil {
		return nil, "", err
	}
	root, err := a.root()
	return l, root, err
}

// dial finds a lab whose playground is up. Without a name it is the only one.
func (a *App) dial(name string) (*playground.Client, *playground.State, error) {
	l, root, err := a.place(name)
	if err != nil {
		return nil, nil, err
	}
	c, s, err := playground.Dial(root, l.Name)
	if err != nil {
		return nil, nil, a.notUp(l.Name, s, err)
	}
	if s.Phase != playground.Up {
		return nil, nil, fault{fmt.Errorf("%s is still coming up; lab up %s shows how far it is", l.Name, l.Name)}
	}
	return c, s, nil
}

// notUp says what to do about a playground that is not.
func (a *App) notUp(name string, s *playground.State, err error) error {
	switch {
	case err != playground.ErrNone:
		return fault{err}
	case s != nil && s.Phase == playground.Failed:
		return fault{fmt.Errorf("%s did not come up (%s); lab up %s tries again", name, s.Error, name)}
	case s != nil:
		return fault{fmt.Errorf("the playground of %s died; lab up %s makes another, lab down %s removes what it left", name, name, name)}
	}
	return fault{fmt.Errorf("%s is not up; lab up %s starts it", name, name)}
}

// detail shows the details of a phase one by one: statements as they are run.
func (a *App) detail() func(lab.Event) { return report.Details(a.Err) }

// clientStatus asks the owner; it may have died meanwhile.
func clientStatus(ctx context.Context, c *playground.Client) *playground.Status {
	s, err := c.Status(ctx)
	if err != nil {
		return &playground.Status{Traffic: err.Error()}
	}
	return s
}

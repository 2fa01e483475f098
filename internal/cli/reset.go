package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"faultlab/internal/trial"
)

func (a *App) reset() *cobra.Command {
	var files, verbose bool
	cmd := &cobra.Command{
		Use:   "reset NAME",
		Short: "Bring a playground back to the broken state",
		Long: `Starts the playground's servers anew from the broken state, on the same ports.
Your files stay as they are, unless --files is given: then fix/ becomes what
start/ is, and what it was is kept in a folder that is named.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.names,
		RunE: func(cmd *cobra.Command, args []string) error {
			l, root, err := a.place(args[0])
			if err != nil {
				return err
			}
			if files {
				if err := a.resetFiles(root, l.Name); err != nil {
					return fault{err}
				}
			}
			c, _, err := a.dial(l.Name)
			if err != nil {
				if files { // that was something to do without a playground, too
					a.log("%v", err)
					return nil
				}
				return err
			}
			a.farewell.Store("lab: the reset goes on without you; lab status shows how it ends")
			began := time.Now()
			if err := c.Reset(cmd.Context(), a.progress(verbose)); err != nil {
				return refused(err)
			}
			fmt.Fprintf(a.Out, "%s is in its broken state again, at the same addresses (%.1f s)\n", l.Name, time.Since(began).Seconds())
			return nil
		},
	}
	cmd.Flags().BoolVar(&files, "files", false, "make fix/ what start/ is, and keep what it was in a backup")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "show every command that is run against a server")
	return cmd
}

// resetFiles puts fix/ aside and makes a new one of start/.
func (a *App) resetFiles(root, name string) error {
	dir := trial.Dir(root, name)
	fix := filepath.Join(dir, "fix")
	if _, err := os.Lstat(fix); err == nil {
		// Outside of the lab's folder: there it would be a variant, or be compiled.
		backup := filepath.Join(root, ".faultlab", filepath.FromSlash(name), "fix-"+time.Now().Format("20060102-150405"))
		if err := os.MkdirAll(filepath.Dir(backup), 0o755); err != nil {
			return fmt.Errorf("keep fix/: %w", err)
		}
		if err := os.Rename(fix, backup); err != nil {
			return fmt.Errorf("keep fix/: %w", err)
		}
		fmt.Fprintf(a.Out, "your fix/ is kept in %s\n", nearby(backup))
	}
	if _, err := trial.EnsureFix(dir); err != nil {
		return err
	}
	fmt.Fprintln(a.Out, "fix/ is a copy of start/ again")
	return nil
}

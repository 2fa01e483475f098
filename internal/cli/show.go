package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"faultlab/internal/trial"
)

func (a *App) show() *cobra.Command {
	return &cobra.Command{
		Use:               "show NAME",
		Short:             "Print a lab's brief",
		Args:              oneLab,
		ValidArgsFunction: a.names,
		RunE: func(_ *cobra.Command, args []string) error {
			l, err := a.find(args[0])
			if err != nil {
				return err
			}
			root, err := a.root()
			if err != nil {
				return err
			}
			brief, err := os.ReadFile(filepath.Join(trial.Dir(root, l.Name), "README.md"))
			if err != nil {
				return fault{fmt.Errorf("read brief: %w", err)}
			}
			_, err = a.Out.Write(brief)
			return err
		},
	}
}

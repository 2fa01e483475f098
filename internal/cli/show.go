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
			l, root, err := a.place(args[0])
			if err != nil {
				return err
			}
			brief, err := os.ReadFile(filepath.Join(trial.Dir(root, l.Name), "README.md"))
			if err != nil {
				return fault{fmt.Errorf("read brief: %w", err)}
			}
			return a.markdown(string(brief))
		},
	}
}

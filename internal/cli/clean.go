package cli

import (
	"github.com/spf13/cobra"

	"faultlab/docker"
	"faultlab/internal/rig"
)

func (a *App) clean() *cobra.Command {
	var images bool
	cmd := &cobra.Command{
		Use:   "clean",
		Short: "Remove the snapshots and whatever dead runs left behind",
		Long: `Removes the snapshots of seeded servers and the containers and networks that
dead runs left behind. Your fixes and results stay. The next run of a lab seeds
again.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := rig.Clean(cmd.Context(), true, a.log); err != nil {
				return fault{err}
			}
			if images {
				if err := docker.Remove(cmd.Context(), a.log); err != nil {
					return fault{err}
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&images, "images", false, "remove the servers' images as well")
	return cmd
}

package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"faultlab/docker"
)

func (a *App) images() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "images",
		Short: "List the servers' images: version, where from, size",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := docker.List(cmd.Context())
			if err != nil {
				return fault{err}
			}
			if asJSON {
				enc := json.NewEncoder(a.Out)
				enc.SetIndent("", "  ")
				return enc.Encode(all)
			}
			w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "SERVER\tVERSION\tFROM\tSIZE\tIMAGE")
			for _, img := range all {
				if img.ID == "" {
					fmt.Fprintf(w, "%s\t-\t-\t-\tnot here yet\n", img.Server)
					continue
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%d MB\t%s\n", img.Server, img.Version, img.Origin, img.Size/1e6, img.Name)
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.AddCommand(
		a.imagesGet("build", "Build images by their recipes, from distribution packages", docker.Build),
		a.imagesGet("pull", "Pull the official images", docker.Pull),
	)
	return cmd
}

type get func(ctx context.Context, server string, log func(format string, args ...any)) (docker.Image, error)

func (a *App) imagesGet(verb, short string, get get) *cobra.Command {
	return &cobra.Command{
		Use:       verb + " [SERVER…]",
		Short:     short,
		ValidArgs: docker.Servers(),
		Args:      cobra.OnlyValidArgs,
		RunE: func(cmd *cobra.Command, servers []string) error {
			if len(servers) == 0 {
				servers = docker.Servers()
			}
			for _, server := range servers {
				img, err := get(cmd.Context(), server, func(format string, args ...any) {
					fmt.Fprintf(a.Err, format+"\n", args...)
				})
				if err != nil {
					return fault{err}
				}
				fmt.Fprintf(a.Out, "%s %s %s\n", img.Server, img.Version, img.Name)
			}
			return nil
		},
	}
}

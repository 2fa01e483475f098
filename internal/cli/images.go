package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"faultlab/docker"
	"faultlab/internal/report"
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
				return a.json(listedImages(all))
			}
			var rows [][]string
			for _, img := range listedImages(all) {
				version, size, name := img.Version, fmt.Sprintf("%d MB", img.Bytes/1e6), img.Name
				if !img.Present {
					version, size, name = "-", "-", "(not here) "+name
				}
				rows = append(rows, []string{img.Server, version, string(img.Origin), size, name})
			}
			o, _ := report.Terminal(a.Out)
			return report.Table(a.Out, o, []string{"SERVER", "VERSION", "FROM", "SIZE", "IMAGE"}, rows)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.AddCommand(
		a.imagesGet("build", "Build images by their recipes, from distribution packages", docker.Build),
		a.imagesGet("pull", "Pull the official images", docker.Pull),
	)
	return cmd
}

// listedImage is an image as images --json prints it.
type listedImage struct {
	Server  string        `json:"server"`
	Origin  docker.Origin `json:"origin"`
	Name    string        `json:"name"`
	Present bool          `json:"present"`
	Version string        `json:"version,omitempty"`
	Bytes   int64         `json:"bytes,omitempty"`
}

func listedImages(all []docker.Image) []listedImage {
	list := make([]listedImage, 0, len(all))
	for _, img := range all {
		list = append(list, listedImage{img.Server, img.Origin, img.Name, img.ID != "", img.Version, img.Size})
	}
	return list
}

func (a *App) imagesGet(verb, short string, get func(context.Context, docker.Log, ...string) error) *cobra.Command {
	var servers []string
	for _, e := range docker.Table {
		servers = append(servers, e.Server)
	}
	return &cobra.Command{
		Use:       verb + " [SERVER…]",
		Short:     short,
		ValidArgs: servers,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, arg := range args {
				if !slices.Contains(servers, arg) {
					return fmt.Errorf("there is no server %q; there are %v", arg, servers)
				}
			}
			if err := get(cmd.Context(), a.log, args...); err != nil {
				return fault{err}
			}
			return nil
		},
	}
}

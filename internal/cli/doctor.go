package cli

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"text/tabwriter"

	"github.com/moby/moby/client"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/spf13/cobra"

	"faultlab/docker"
	"faultlab/internal/engine"
	"faultlab/internal/rig"
)

// finding is one thing that the doctor looked at.
type finding struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Says string `json:"says"`
	Do   string `json:"do,omitempty"` // what to do where it is not ok
}

func (a *App) doctor() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is there, what is missing, and what to do",
		Long: `Looks at everything that a run needs. What the first run gets by itself, an
image for instance, is not missing.

Exit status: 0 labs can run, 3 they can't.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found := a.examine(cmd.Context())
			if asJSON {
				if err := a.json(found); err != nil {
					return fault{err}
				}
			} else {
				w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
				for _, f := range found {
					mark := "ok"
					if !f.OK {
						mark = "MISSING"
					}
					fmt.Fprintf(w, "%s\t%s\t%s\n", mark, f.What, f.Says)
					if f.Do != "" {
						fmt.Fprintf(w, "\t\t→ %s\n", f.Do)
					}
				}
				if err := w.Flush(); err != nil {
					return fault{err}
				}
			}
			for _, f := range found {
				if !f.OK {
					return status(exitInvalid)
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *App) examine(ctx context.Context) []finding {
	found := []finding{compiler(ctx)}
	add := func(what, says string) { found = append(found, finding{What: what, OK: true, Says: says}) }
	miss := func(what string, err error, do string) {
		found = append(found, finding{What: what, Says: err.Error(), Do: do})
	}
	place, c, err := engine.Find(ctx)
	if err != nil {
		miss("Docker engine", err, "make setup")
		return found
	}
	defer c.Close()
	info, err := c.Info(ctx, client.InfoOptions{})
	if err != nil {
		miss("Docker engine", err, "restart it")
		return found
	}
	add("Docker engine", fmt.Sprintf("%s at %s: %d cores, %d MiB of memory", info.Info.ServerVersion, place.Host, info.Info.NCPU, info.Info.MemTotal>>20))
	a.fits(&found, info.Info.MemTotal>>20, info.Info.DockerRootDir)

	images, err := docker.List(ctx)
	if err != nil {
		miss("images", err, "")
	}
	for _, e := range docker.Table {
		says := "not here yet: the first lab that needs it pulls or builds it"
		for _, img := range images {
			if img.Server == e.Server && img.ID != "" {
				says = fmt.Sprintf("%s, %s, %d MB", img.Version, img.Origin, img.Size/1e6)
			}
		}
		add("image "+e.Server, says)
	}
	snapshots, err := rig.Snapshots(ctx)
	if err != nil {
		miss("snapshots", err, "")
		return found
	}
	var size int64
	for _, s := range snapshots {
		size += s.Size
	}
	add("snapshots", fmt.Sprintf("%d of seeded servers, %d MB; lab clean removes them", len(snapshots), size/1e6))
	return found
}

// fits compares the engine's memory and disk with what the largest lab needs.
func (a *App) fits(found *[]finding, memory int64, dir string) {
	var needMemory, needDisk int
	for _, l := range a.Labs {
		needMemory, needDisk = max(needMemory, l.Memory), max(needDisk, l.Disk)
	}
	f := finding{What: "memory", OK: memory >= int64(needMemory), Says: fmt.Sprintf("%d MiB; the largest lab needs %d MiB", memory, needMemory)}
	if !f.OK {
		f.Do = "give the Docker engine more memory; smaller labs run as it is"
	}
	*found = append(*found, f)
	use, err := disk.Usage(dir)
	if err != nil {
		return // inside a virtual machine it is not ours to see
	}
	free := use.Free >> 20
	f = finding{What: "disk", OK: free >= uint64(needDisk), Says: fmt.Sprintf("%d MiB free at %s; the largest lab needs %d MiB", free, dir, needDisk)}
	if !f.OK {
		f.Do = "make room; lab clean removes snapshots"
	}
	*found = append(*found, f)
}

// compiler is Go, which program labs build fixes with.
func compiler(ctx context.Context) finding {
	out, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return finding{What: "Go", Says: err.Error(), Do: "install Go and put it into PATH"}
	}
	return finding{What: "Go", OK: true, Says: strings.TrimSpace(string(out))}
}

// Package docker is the one image table: for every server the official image
// and the recipe that builds the same server from packages.
package docker

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"faultlab/internal/engine"
)

// Origin says where an image came from.
type Origin string

// The two origins.
const (
	Official Origin = "official" // pulled from its registry
	Local    Origin = "local"    // built here by its recipe
)

// Image is an image of a server, present on the engine unless ID is empty.
type Image struct {
	Server  string // "mysql", "redis", "kafka", "clickhouse"
	Origin  Origin
	Name    string    // what the engine calls it
	ID      string    // content id: part of every snapshot's key
	Version string    // of the server inside: "9.7.4"
	Size    int64     // bytes
	Created time.Time // when it was built, here or by its makers
}

// Entry is a row of the table.
type Entry struct {
	Server   string
	Official string // name:tag of the image that its makers publish
	Digest   string // of what that tag named when it was pinned; empty where it is not known
	Version  string // of the server in Official
	From, To string // versions that the labs are proved on: From <= v < To
}

// Table is the one image table. A recipe has the name of its server as its folder.
var Table = []Entry{
	{
		Server: "mysql", From: "9.7", To: "9.8",
		Official: "mysql:9.7.2", Version: "9.7.2",
		Digest: "sha256:257388edf9c84dbc04c763625446d5f3fa6ed60d1b0873bc552c614ba0a7ab4e",
	},
	{
		Server: "redis", From: "8.0", To: "9",
		Official: "redis:8.0.6", Version: "8.0.6",
	},
	{
		Server: "kafka", From: "4.3", To: "4.4",
		Official: "apache/kafka:4.3.1", Version: "4.3.1",
		Digest: "sha256:77e3df9054047a88b520d0cc46e16696d3b22022e1d580aeccd2632df6532837",
	},
	{
		Server: "clickhouse", From: "26.7", To: "26.8",
		Official: "clickhouse/clickhouse-server:26.7.5.10", Version: "26.7.5.10",
	},
}

// labels that a recipe's image carries.
const (
	labelServer  = "faultlab.server"
	labelVersion = "faultlab.version"
)

// Log shows one line of progress.
type Log = func(format string, args ...any)

// Ensure returns the image of a server: one that is here, else pulled, else
// built (LAB_IMAGES=official or local forces one). log shows progress; it is
// safe to call from several processes at once. With the image here it costs a
// call or two to the engine.
func Ensure(ctx context.Context, server string, log Log) (Image, error) {
	e, err := Lookup(server)
	if err != nil {
		return Image{}, err
	}
	want, err := wanted()
	if err != nil {
		return Image{}, err
	}
	c, err := engine.Client(ctx)
	if err != nil {
		return Image{}, err
	}
	defer c.Close()

	img, err := e.present(ctx, c, want)
	if err != nil {
		return Image{}, err
	}
	if img.ID == "" {
		if img, err = e.obtain(ctx, c, want, log); err != nil {
			return Image{}, fmt.Errorf("get image of %s: %w", server, err)
		}
	}
	return img, e.proved(img)
}

// List returns a row for each server and origin; those with an empty ID are absent.
func List(ctx context.Context) ([]Image, error) {
	c, err := engine.Client(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var all []Image
	for _, e := range Table {
		for _, o := range []Origin{Official, Local} {
			img, err := e.inspect(ctx, c, o)
			if err != nil {
				return nil, err
			}
			all = append(all, img)
		}
	}
	return all, nil
}

// Pull pulls the official images of the servers, of all if none is named.
func Pull(ctx context.Context, log Log, servers ...string) error {
	return each(ctx, servers, func(c *client.Client, e Entry) error {
		_, err := e.pull(ctx, c, log)
		return err
	})
}

// Build runs the recipes of the servers, of all if none is named, whether or
// not their images are here.
func Build(ctx context.Context, log Log, servers ...string) error {
	return each(ctx, servers, func(c *client.Client, e Entry) error {
		unlock, err := e.lock(ctx, log)
		if err != nil {
			return err
		}
		defer unlock()
		_, err = e.build(ctx, c, log)
		return err
	})
}

// Remove removes the images of the servers, of all if none is named: the
// official ones of the table and whatever recipes have built, now or earlier.
func Remove(ctx context.Context, log Log, servers ...string) error {
	return each(ctx, servers, func(c *client.Client, e Entry) error {
		return e.remove(ctx, c, log)
	})
}

// Lookup returns the row of a server.
func Lookup(server string) (Entry, error) {
	i := slices.IndexFunc(Table, func(e Entry) bool { return e.Server == server })
	if i < 0 {
		var names []string
		for _, e := range Table {
			names = append(names, e.Server)
		}
		return Entry{}, fmt.Errorf("no server %q: there are %s", server, strings.Join(names, ", "))
	}
	return Table[i], nil
}

func each(ctx context.Context, servers []string, f func(*client.Client, Entry) error) error {
	entries := Table
	if len(servers) > 0 {
		entries = nil
		for _, s := range servers {
			e, err := Lookup(s)
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
	}
	c, err := engine.Client(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, e := range entries {
		if err := f(c, e); err != nil {
			return err
		}
	}
	return nil
}

// wanted is the order of origins that LAB_IMAGES asks for.
func wanted() ([]Origin, error) {
	switch v := os.Getenv("LAB_IMAGES"); v {
	case "", "auto":
		return []Origin{Official, Local}, nil
	case string(Official), string(Local):
		return []Origin{Origin(v)}, nil
	default:
		return nil, fmt.Errorf("LAB_IMAGES=%s: it must be auto, official or local", v)
	}
}

// name is what the engine calls the image of an origin.
func (e Entry) name(o Origin) string {
	if o == Official {
		return e.Official
	}
	return "faultlab/" + e.Server + ":" + e.recipe()
}

// present returns the first image of the origins that is here.
func (e Entry) present(ctx context.Context, c *client.Client, origins []Origin) (Image, error) {
	for _, o := range origins {
		if img, err := e.inspect(ctx, c, o); err != nil || img.ID != "" {
			return img, err
		}
	}
	return Image{}, nil
}

// inspect asks the engine for the image; an absent one has no ID.
func (e Entry) inspect(ctx context.Context, c *client.Client, o Origin) (Image, error) {
	img := Image{Server: e.Server, Origin: o, Name: e.name(o)}
	res, err := c.ImageInspect(ctx, img.Name)
	if cerrdefs.IsNotFound(err) {
		return img, nil
	}
	if err != nil {
		return Image{}, fmt.Errorf("inspect image %s: %w", img.Name, err)
	}
	img.ID, img.Size, img.Version = res.ID, res.Size, e.Version
	if res.Config != nil && o == Local {
		img.Version = res.Config.Labels[labelVersion]
	}
	img.Created, _ = time.Parse(time.RFC3339Nano, res.Created) // images may have no date
	return img, nil
}

// obtain pulls or builds the image.
func (e Entry) obtain(ctx context.Context, c *client.Client, origins []Origin, log Log) (Image, error) {
	unlock, err := e.lock(ctx, log)
	if err != nil {
		return Image{}, err
	}
	defer unlock()
	// Whoever held the lock may have got it.
	if img, err := e.present(ctx, c, origins); err != nil || img.ID != "" {
		return img, err
	}
	if origins[0] == Official {
		img, err := e.pull(ctx, c, log)
		if err == nil || ctx.Err() != nil {
			return img, err
		}
		if len(origins) == 1 {
			return Image{}, fmt.Errorf("%w: let the Docker engine reach a registry, or unset LAB_IMAGES to build it from packages", err)
		}
		log("%s can't be pulled, its recipe builds the same server (%v)", e.Official, err)
	}
	return e.build(ctx, c, log)
}

// remove removes every image of the server, whatever its origin.
func (e Entry) remove(ctx context.Context, c *client.Client, log Log) error {
	names := []string{e.Official}
	built, err := c.ImageList(ctx, client.ImageListOptions{Filters: client.Filters{}.Add("reference", "faultlab/"+e.Server)})
	if err != nil {
		return fmt.Errorf("list images of %s: %w", e.Server, err)
	}
	for _, s := range built.Items {
		names = append(names, s.RepoTags...)
	}
	for _, name := range names {
		switch _, err := c.ImageRemove(ctx, name, client.ImageRemoveOptions{PruneChildren: true}); {
		case err == nil:
			log("removed %s", name)
		case !cerrdefs.IsNotFound(err):
			return fmt.Errorf("remove image %s: %w", name, err)
		}
	}
	return nil
}

package docker

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"
)

// recipes holds a folder a server with its build.sh, and what they share.
//
//go:embed *.sh mysql redis kafka clickhouse
var recipes embed.FS

// recipe is the hash of the files that make the image: a changed recipe is
// another image, an unchanged one is found again.
func (e Entry) recipe() string { return e.hash(recipes) }

func (e Entry) hash(recipes fs.FS) string {
	h := sha256.New()
	for _, root := range []string{"recipe.sh", "unpack.sh", e.Server} {
		// The files are in the binary: walking and reading them can't fail, and
		// WalkDir's order is that of the names.
		_ = fs.WalkDir(recipes, root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := fs.ReadFile(recipes, path)
			fmt.Fprintf(h, "%s %d\n%s", path, len(b), b)
			return err
		})
	}
	return fmt.Sprintf("%x", h.Sum(nil))[:12]
}

// lock keeps a second process of this user from getting the same image.
func (e Entry) lock(ctx context.Context, log Log) (unlock func(), err error) {
	path := filepath.Join(os.TempDir(), "faultlab-"+strconv.Itoa(os.Getuid())+"-"+e.Server+".lock")
	l := flock.New(path)
	got, err := l.TryLock()
	if err == nil && !got {
		log("another process is getting the image of %s: waiting for it", e.Server)
		_, err = l.TryLockContext(ctx, 200*time.Millisecond)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { l.Close() }, nil
}

// build runs the recipe and imports what it writes as an image of one layer.
// Nothing is imported before the recipe has the whole file system ready, so the
// version inside is known by then and becomes a label.
func (e Entry) build(ctx context.Context, c *client.Client, log Log) (Image, error) {
	if runtime.GOOS != "linux" {
		return Image{}, fmt.Errorf("build %s: recipes run on Debian and Ubuntu only; let the Docker engine reach a registry, and it pulls %s", e.Server, e.Official)
	}
	if os.Geteuid() != 0 {
		return Image{}, fmt.Errorf("build %s: a recipe makes files of other users, so it must run as root: run `sudo bin/lab images build %s` once", e.Server, e.Server)
	}
	return e.run(ctx, c, recipes, log)
}

func (e Entry) run(ctx context.Context, c *client.Client, recipes fs.FS, log Log) (Image, error) {
	begun := time.Now()
	dirs := filepath.Join(os.TempDir(), "faultlab-"+strconv.Itoa(os.Getuid())+"-"+e.Server+"-")
	if err := sweep(ctx, dirs, log); err != nil {
		return Image{}, err
	}
	dir, err := os.MkdirTemp("", filepath.Base(dirs))
	if err != nil {
		return Image{}, err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, recipes); err != nil {
		return Image{}, fmt.Errorf("write recipe: %w", err)
	}

	ctx, cancel := context.WithCancel(ctx) // ends the recipe when the import fails
	defer cancel()
	version := filepath.Join(dir, "version")
	cmd := exec.CommandContext(ctx, "sh", filepath.Join(dir, e.Server, "build.sh"))
	cmd.Env = append(os.Environ(), "VERSION_FILE="+version, "TMPDIR="+dir)
	cmd.WaitDelay = 10 * time.Second
	endGroup(cmd)
	hold, err := os.Create(filepath.Join(dir, held))
	if err != nil {
		return Image{}, err
	}
	defer hold.Close()
	if err := share(cmd, hold); err != nil {
		return Image{}, fmt.Errorf("lock folder of recipe: %w", err)
	}
	var said []string // the last of it says why a recipe failed
	cmd.Stderr = &lines{log: func(line string) {
		said = append(said[max(0, len(said)-16):], line)
		log("%s: %s", e.Server, line)
	}}
	tar, err := cmd.StdoutPipe()
	if err != nil {
		return Image{}, err
	}
	log("%s: building the image", e.Server)
	if err := cmd.Start(); err != nil {
		return Image{}, fmt.Errorf("run recipe of %s: %w", e.Server, err)
	}
	id, err := load(ctx, c, bufio.NewReader(tar), version, e)
	if err != nil {
		cancel()
	}
	// The recipe's own failure is the cause of an archive that ends early.
	if failed := cmd.Wait(); failed != nil && (err == nil || errors.Is(err, io.EOF)) {
		err = fmt.Errorf("run recipe of %s: %w%s", e.Server, failed, complaint(said))
	}
	if err != nil {
		if id != "" { // half an archive can make an image too
			_, lost := c.ImageRemove(context.WithoutCancel(ctx), id, client.ImageRemoveOptions{})
			err = errors.Join(err, lost)
		}
		return Image{}, err
	}
	if _, err := c.ImageTag(ctx, client.ImageTagOptions{Source: id, Target: e.name(Local)}); err != nil {
		return Image{}, fmt.Errorf("name image: %w", err)
	}
	img, err := e.inspect(ctx, c, Local)
	if err == nil {
		log("%s: built %s %s, %d MB, in %.0f s", e.Server, e.Server, img.Version, img.Size/1e6, time.Since(begun).Seconds())
	}
	return img, err
}

// held is a file in a recipe's folder that is locked for as long as the recipe
// works, also when whoever started it was killed.
const held = "held"

// sweep removes what killed builds have left in folders whose names begin so,
// once their recipes, which notice that nobody listens, have ended. The caller
// holds the image's lock.
func sweep(ctx context.Context, dirs string, log Log) error {
	left, _ := filepath.Glob(dirs + "*") // the pattern is a good one
	for _, dir := range left {
		l := flock.New(filepath.Join(dir, held))
		got, err := l.TryLock()
		if err == nil && !got {
			log("waiting for what a killed build has left running")
			_, err = l.TryLockContext(ctx, 100*time.Millisecond)
		}
		if err == nil || errors.Is(err, fs.ErrNotExist) { // without the folder there is nothing to remove
			err = errors.Join(os.RemoveAll(dir), l.Close())
		}
		if err != nil {
			return fmt.Errorf("remove what a killed build left: %w", err)
		}
	}
	return nil
}

// complaint is the last line that a recipe said, and below it the lines before:
// the log that it is about.
func complaint(said []string) string {
	if len(said) == 0 {
		return ""
	}
	last := len(said) - 1
	return ": " + strings.Join(append(said[last:], said[:last]...), "\n")
}

// load imports the archive as soon as it begins, and returns the image's id.
func load(ctx context.Context, c *client.Client, tar *bufio.Reader, version string, e Entry) (id string, err error) {
	if _, err := tar.Peek(1); err != nil {
		return "", err
	}
	v, err := os.ReadFile(version)
	if err != nil {
		return "", fmt.Errorf("read version: %w", err)
	}
	res, err := c.ImageImport(ctx, client.ImageImportSource{Source: tar, SourceName: "-"}, "", client.ImageImportOptions{
		Message: "recipe " + e.recipe(),
		Changes: []string{
			"LABEL " + labelServer + "=" + e.Server,
			"LABEL " + labelVersion + "=" + strings.TrimSpace(string(v)),
		},
	})
	if err != nil {
		return "", fmt.Errorf("import image: %w", err)
	}
	defer res.Close()
	for dec := json.NewDecoder(res); ; {
		var msg jsonstream.Message
		switch err := dec.Decode(&msg); {
		case err == io.EOF && id != "":
			return id, nil
		case err != nil:
			return "", fmt.Errorf("import image: %w", err)
		case msg.Error != nil:
			return "", fmt.Errorf("import image: %w", msg.Error)
		case strings.HasPrefix(msg.Status, "sha256:"):
			id = msg.Status
		}
	}
}

// lines hands on whole lines.
type lines struct {
	log  func(line string)
	rest []byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		l.log(string(line))
		l.rest = rest
	}
}

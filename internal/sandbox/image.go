package sandbox

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"

	"faultlab/internal/owner"
)

// relay is the source of the one program in the image. It uses Go's own library
// only, so it can be built anywhere and without a network.
//
//go:embed relay/main.go
var relay []byte

// label is on every image of the sandbox: the hash of what is in it.
const label = "faultlab.sandbox"

// ensure returns the image: there is the relay in it, and where to put the rest.
func ensure(ctx context.Context, api *client.Client) (string, error) {
	key := fmt.Sprintf("%x", sha256.Sum256(append([]byte(runtime.Version()+runtime.GOARCH), relay...)))[:12]
	name := "faultlab/sandbox:" + key
	_, err := api.ImageInspect(ctx, name)
	if err == nil {
		return name, nil
	}
	if !errdefs.IsNotFound(err) {
		return "", fmt.Errorf("inspect image of the sandbox: %w", err)
	}
	binary, err := build(ctx)
	if err != nil {
		return "", fmt.Errorf("build image of the sandbox: %w", err)
	}
	id, err := load(ctx, api, pack(binary), key)
	if err != nil {
		return "", fmt.Errorf("build image of the sandbox: %w", err)
	}
	if _, err := api.ImageTag(ctx, client.ImageTagOptions{Source: id, Target: name}); err != nil {
		return "", fmt.Errorf("name image of the sandbox: %w", err)
	}
	return name, nil
}

// build compiles the relay.
func build(ctx context.Context) ([]byte, error) {
	dir, err := owner.Scratch()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, relay, 0o600); err != nil {
		return nil, err
	}
	bin := filepath.Join(dir, "relay")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, source)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=-mod=mod", "GOWORK=off", "GO111MODULE=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
	}
	return os.ReadFile(bin)
}

// pack is the file system: the relay, and what is mounted over.
func pack(binary []byte) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: "relay", Mode: 0o555, Size: int64(len(binary))},
		{Name: "program", Mode: 0o555},
		{Name: "outside/", Mode: 0o555, Typeflag: tar.TypeDir},
		{Name: "tmp/", Mode: 0o555, Typeflag: tar.TypeDir},
	} {
		_ = w.WriteHeader(&h) // into memory
		if h.Size > 0 {
			_, _ = w.Write(binary)
		}
	}
	_ = w.Close()
	return b.Bytes()
}

func load(ctx context.Context, api *client.Client, archive []byte, key string) (id string, err error) {
	res, err := api.ImageImport(ctx, client.ImageImportSource{Source: bytes.NewReader(archive), SourceName: "-"}, "",
		client.ImageImportOptions{Changes: []string{"LABEL " + label + "=" + key}})
	if err != nil {
		return "", err
	}
	defer res.Close()
	for dec := json.NewDecoder(res); ; {
		var msg jsonstream.Message
		switch err := dec.Decode(&msg); {
		case errors.Is(err, io.EOF) && id != "":
			return id, nil
		case err != nil:
			return "", err
		case msg.Error != nil:
			return "", msg.Error
		case strings.HasPrefix(msg.Status, "sha256:"):
			id = msg.Status
		}
	}
}

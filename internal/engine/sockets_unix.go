//go:build unix

package engine

import (
	"os"
	"path/filepath"
)

// sockets are the places of this machine where an engine may listen.
func sockets(home, runtime string) []Place {
	paths := []string{"/var/run/docker.sock"}
	if runtime != "" {
		paths = append(paths, filepath.Join(runtime, "docker.sock"))
	}
	if home != "" {
		for _, p := range []string{".docker/run/docker.sock", ".docker/desktop/docker.sock", ".colima/default/docker.sock", ".rd/docker.sock", ".orbstack/run/docker.sock"} {
			paths = append(paths, filepath.Join(home, p))
		}
	}
	if runtime != "" {
		paths = append(paths, filepath.Join(runtime, "podman/podman.sock"))
	}
	paths = append(paths, "/run/podman/podman.sock")
	if home != "" {
		paths = append(paths, filepath.Join(home, ".local/share/containers/podman/machine/podman.sock"))
	}

	var places []Place
	for _, p := range paths {
		if _, err := os.Stat(p); err == nil {
			places = append(places, Place{Host: "unix://" + p})
		}
	}
	return places
}

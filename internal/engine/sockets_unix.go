//go:build unix

package engine

import (
	"os"
	"path/filepath"
)

// sockets are the places of this machine where an engine may listen.
func sockets(home, runtime string) []Place {
	var places []Place
	for _, p := range paths(home, runtime) {
		if _, err := os.Stat(p); err == nil {
			places = append(places, Place{Host: "unix://" + p})
		}
	}
	return places
}

// paths are the sockets of Docker, Docker Desktop, colima, Rancher Desktop,
// OrbStack and Podman, in the order in which they are tried.
func paths(home, runtime string) []string {
	all := []string{"/var/run/docker.sock"}
	if runtime != "" {
		all = append(all, filepath.Join(runtime, "docker.sock"))
	}
	if home != "" {
		for _, p := range []string{".docker/run/docker.sock", ".docker/desktop/docker.sock", ".colima/default/docker.sock", ".rd/docker.sock", ".orbstack/run/docker.sock"} {
			all = append(all, filepath.Join(home, p))
		}
	}
	if runtime != "" {
		all = append(all, filepath.Join(runtime, "podman/podman.sock"))
	}
	all = append(all, "/run/podman/podman.sock")
	if home != "" {
		all = append(all, filepath.Join(home, ".local/share/containers/podman/machine/podman.sock"))
	}
	return all
}

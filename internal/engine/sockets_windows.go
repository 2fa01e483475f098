package engine

// sockets are the pipes of this machine where an engine may listen.
func sockets(home, runtime string) []Place {
	return []Place{
		{Host: "npipe:////./pipe/docker_engine"},
		{Host: "npipe:////./pipe/podman-machine-default"},
	}
}

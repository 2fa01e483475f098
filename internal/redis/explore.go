package redis

import (
	"context"
	"fmt"
	"strings"

	"faultlab/docker"
	"faultlab/internal/rig"
)

// shellHome holds what makes a client in the container the learner's.
const shellHome = "/etc/faultlab/shell"

var _ rig.Explorable = (*Server)(nil)

// Shell is redis-cli. It takes a password from the environment but no user, so
// a script of its name comes first in PATH.
func (s *Server) Shell(docker.Image) rig.Shell {
	const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	port := Port
	if s.cluster != nil {
		_, port = hostPort(s.Addr())
	}
	return rig.Shell{
		Cmd: []string{"redis-cli"},
		Env: map[string]string{
			"HOME": "/tmp", "REDISCLI_AUTH": s.Password(Learner), "PATH": shellHome + ":" + path,
		},
		Files: []rig.File{{
			Path: shellHome + "/redis-cli", Mode: 0o755,
			Text: fmt.Sprintf("#!/bin/sh\nPATH=%s exec redis-cli -p %d --user %s \"$@\"\n", path, port, Learner),
		}},
	}
}

// Connect is how clients of this machine log in as the learner.
func (s *Server) Connect() []rig.Connect {
	host, port := hostPort(s.Addr())
	cluster := ""
	if s.cluster != nil {
		cluster = " -c"
	}
	return []rig.Connect{
		{
			What: "redis-cli", Client: "redis-cli", Inside: []string{"redis-cli"},
			Line: fmt.Sprintf("redis-cli%s -h %s -p %d --user %s --pass %s --no-auth-warning", cluster, host, port, Learner, s.Password(Learner)),
		},
		{What: "URL", Line: fmt.Sprintf("redis://%s:%s@%s/0", Learner, s.Password(Learner), s.Addr())},
	}
}

// Objects are the settings, and the slots that the server has.
func (s *Server) Objects(ctx context.Context) (map[string]string, error) {
	settings, err := s.client.ConfigGet(ctx, "*").Result()
	if err != nil {
		return nil, fmt.Errorf("look at settings of %s: %w", s.Name(), err)
	}
	objects := map[string]string{}
	for name, value := range settings {
		objects["setting "+name] = value
	}
	if s.cluster != nil {
		nodes, err := s.client.ClusterNodes(ctx).Result()
		if err != nil {
			return nil, fmt.Errorf("look at slots of %s: %w", s.Name(), err)
		}
		for line := range strings.Lines(nodes) {
			if f := strings.Fields(line); len(f) >= 8 && strings.Contains(f[2], "myself") {
				objects["slots"] = strings.Join(f[8:], " ")
			}
		}
	}
	return objects, nil
}

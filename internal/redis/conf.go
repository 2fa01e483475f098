package redis

import (
	"fmt"
	"strings"
)

// conf is the server's redis.conf. Every setting that the failure of a lab may
// hang on is named, so that both kinds of image behave alike.
func (s *Server) conf(port int) string {
	lines := []string{
		fmt.Sprintf("port %d", port),
		"bind * -::*",
		"protected-mode no",
		"dir /srv/redis",
		"logfile \"\"",
		// No background save disturbs a measurement; a clean stop saves all.
		`save ""`,
		"appendonly no",
		"shutdown-on-sigterm save",
		// A primary would wait 10 s for replicas that are stopped, too.
		"shutdown-timeout 0",
		// A primary would wait 5 s for more replicas to come.
		"repl-diskless-sync-delay 0",
		"user default off",
		fmt.Sprintf("user %s on >%s ~* &* +@all", Admin, s.Password(Admin)),
		fmt.Sprintf("user %s on >%s %s", Learner, s.Password(Learner), s.cfg.Rights),
	}
	if s.primary != nil {
		lines = append(lines, fmt.Sprintf("replicaof %s %d", s.primary.Name(), Port))
	}
	// Whoever is a primary now may follow another after a failover.
	lines = append(lines, "masteruser "+Admin, "masterauth "+s.Password(Admin))
	if s.cluster != nil {
		lines = append(lines,
			"cluster-enabled yes",
			"cluster-config-file nodes.conf",
			fmt.Sprintf("cluster-port %d", busPort),
			"cluster-preferred-endpoint-type hostname",
			fmt.Sprintf("cluster-node-timeout %d", formingTimeout.Milliseconds()),
		)
	}
	lines = append(lines, s.cfg.Settings...)
	return strings.Join(lines, "\n") + "\n"
}

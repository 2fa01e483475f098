package mysql

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"faultlab/docker"
	"faultlab/internal/rig"
)

// Where things are inside the container. The data directory is no declared
// volume of any image, so that a seeded server can be committed.
const (
	dataDir  = "/srv/mysql"
	confPath = "/etc/faultlab/my.cnf"
	initPath = "/etc/faultlab/init.sql"
	sockPath = "/var/run/mysqld/mysqld.sock"
)

// start is the same for the official image and for ours. Ours has an
// initialised data directory; where there is none it is made, which takes 5 s.
// A socket's lock left by a killed server would keep the next one from starting.
const start = `
rm -f ` + sockPath + ` ` + sockPath + `.lock
if [ ! -d ` + dataDir + `/mysql ]; then
  mkdir -p ` + dataDir + `
  chown mysql ` + dataDir + `
  mysqld --no-defaults --initialize-insecure --user=mysql --datadir=` + dataDir + `
fi
printf '[auto]\nserver-uuid=%s\n' "$1" > ` + dataDir + `/auto.cnf
exec mysqld --defaults-file=` + confPath + ` --user=mysql
`

func (s *Server) command() []string { return []string{"sh", "-ec", start, "sh", s.uuid()} }

// Spec is how the server starts: by its binary, with a configuration that
// names all that labs rely on. It does not depend on the image's origin.
func (s *Server) Spec(docker.Image, func(int) int) rig.Spec {
	return rig.Spec{
		Cmd:  s.command(),
		User: "root", // to make the data directory; the server itself runs as mysql
		Files: []rig.File{
			{Path: confPath, Text: s.conf()},
			// Read at each start, before the server listens.
			{Path: initPath, Text: s.init(s.password)},
		},
		Ports: []int{port},
	}
}

// conf is the server's my.cnf, sorted by name.
func (s *Server) conf() string {
	set := map[string]string{
		"datadir":                      dataDir,
		"socket":                       sockPath,
		"pid-file":                     dataDir + "/mysqld.pid",
		"init-file":                    initPath,
		"port":                         strconv.Itoa(port),
		"mysqlx":                       "OFF",
		"skip-name-resolve":            "ON",
		"secure-file-priv":             "NULL",
		"local-infile":                 "ON", // for Load; it is the client that decides what is sent
		"performance-schema":           "ON",
		"innodb-buffer-pool-size":      strconv.Itoa(s.BufferPool) + "M",
		"loose-innodb-numa-interleave": "OFF", // containers may not set memory policies
		// The buffer pool's pages of the last run are no part of a lab's state.
		"innodb-buffer-pool-load-at-startup":  "OFF",
		"innodb-buffer-pool-dump-at-shutdown": "OFF",
	}
	if s.logs() {
		maps.Copy(set, map[string]string{
			"server-id":                       strconv.Itoa(s.id),
			"log-bin":                         "binlog",
			"gtid-mode":                       "ON",
			"enforce-gtid-consistency":        "ON",
			"log-bin-trust-function-creators": "ON", // a learner may make triggers
		})
	} else {
		set["disable-log-bin"] = ""
	}
	if s.Source != nil {
		maps.Copy(set, map[string]string{
			"relay-log":          "relay", // not after the host, whose name changes
			"skip-replica-start": "ON",    // Ready starts it, with the password of this run
		})
	}
	switch {
	case s.SemiSync:
		set["plugin-load-add"] = "semisync_source.so"
		set["loose-rpl-semi-sync-source-enabled"] = "ON"
	case s.Source != nil && s.Source.SemiSync:
		set["plugin-load-add"] = "semisync_replica.so"
		set["loose-rpl-semi-sync-replica-enabled"] = "ON"
	}
	maps.Copy(set, s.Set)

	var b strings.Builder
	b.WriteString("[mysqld]\n")
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if set[name] == "" {
			fmt.Fprintln(&b, name)
		} else {
			fmt.Fprintf(&b, "%s=%s\n", name, set[name])
		}
	}
	return b.String()
}

// logs says whether the server writes a binary log.
func (s *Server) logs() bool { return s.Binlog || s.Source != nil || s.replicas > 0 }

// init makes the accounts and sets their passwords: those of this run, also
// where a snapshot has others. None of it may go to replicas, which have
// accounts of their own.
func (s *Server) init(password func(account string) string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+";\n", args...) }
	user := func(name, host string) {
		line("CREATE USER IF NOT EXISTS '%s'@'%s' IDENTIFIED BY '%s'", name, host, password(name))
		line("ALTER USER '%s'@'%s' IDENTIFIED BY '%s'", name, host, password(name))
	}
	if s.logs() {
		line("SET sql_log_bin = OFF")
	}
	line("CREATE DATABASE IF NOT EXISTS `%s`", s.Database)
	user("root", "localhost")
	user(Admin, "%")
	line("GRANT ALL ON *.* TO '%s'@'%%' WITH GRANT OPTION", Admin)
	if s.logs() {
		user(repl, "%")
		line("GRANT REPLICATION SLAVE ON *.* TO '%s'@'%%'", repl)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Grants)) {
		user(name, "%")
		for _, grant := range s.Grants[name] {
			line("GRANT %s TO '%s'@'%%'", strings.TrimSuffix(grant, ";"), name)
		}
	}
	if s.Source != nil {
		line("SET GLOBAL super_read_only = ON")
	}
	return b.String()
}

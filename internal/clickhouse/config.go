package clickhouse

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"maps"
	"slices"
	"strconv"
	"strings"

	"faultlab/docker"
	"faultlab/internal/rig"
)

const (
	// home is outside of the volume that the official image declares, so that
	// a seeded server can be committed. Each disk has a folder in it; that of
	// the server itself is "default".
	home   = "/srv/clickhouse/"
	config = "/etc/faultlab/config.xml"
	users  = "/etc/faultlab/users.xml"
)

// boot takes the data out of the image's layers before the server starts. In
// overlayfs a folder of a lower layer can't be renamed (EXDEV), and the server
// renames the folder of each part that it removes: of a table from a snapshot,
// DROP TABLE … SYNC would never end, nor would DETACH PARTITION work. mv does
// what rename can't: it copies, 250 MB in about half a second; and where the
// data are the container's own already, it just renames.
const boot = `set -e
cd /srv
[ -d clickhouse ] || mv -T .clickhouse clickhouse 2>/dev/null || mkdir clickhouse
mv -T clickhouse .clickhouse
mv -T .clickhouse clickhouse
mkdir -p clickhouse/default
exec clickhouse server --config-file=` + config

// Spec starts the server by its binary; both images read the same files.
func (s *Server) Spec(img docker.Image, _ func(int) int) rig.Spec {
	return rig.Spec{
		Cmd: []string{"sh", "-c", boot},
		// Root, since not every image has the data folder that it must own.
		User:   "0",
		Ports:  []int{nativePort, httpPort},
		Memory: s.cfg.Memory,
		CPUs:   s.cfg.CPUs,
		Files: []rig.File{
			{Path: config, Text: s.config(img.Origin).String()},
			{Path: users, Text: s.users().String()},
		},
	}
}

// log keeps the newest 32 to 64 MiB of a system log in memory: its readings
// are of this run, and a table on disk would be in the snapshot's way.
func log(table string) element {
	return el(table,
		leaf("database", "system"),
		leaf("table", table),
		leaf("engine", "ENGINE = Memory SETTINGS min_bytes_to_keep = 33554432, max_bytes_to_keep = 67108864"),
		leaf("flush_interval_milliseconds", "1000"),
	)
}

func (s *Server) config(origin docker.Origin) element {
	c := el("clickhouse",
		leaf("path", home+"default/"),
		leaf("listen_host", "0.0.0.0"),
		leaf("tcp_port", strconv.Itoa(nativePort)),
		leaf("http_port", strconv.Itoa(httpPort)),
		leaf("users_config", users),
		leaf("max_server_memory_usage", strconv.FormatInt(s.cfg.Memory/10*9, 10)),
		leaf("mark_cache_size", "134217728"),
		// The two kinds of image have other defaults for these.
		leaf("background_pool_size", "16"),
		// Parts that were merged go at once, not in eight minutes: Tidy waits for that.
		settings("merge_tree", s.cfg.MergeTree, "cleanup_delay_period", "1", "cleanup_delay_period_random_add", "0",
			"max_cleanup_delay_period", "1", "old_parts_lifetime", "1"),
		log("query_log"),
		log("part_log"),
	)
	if origin == docker.Official { // the local image's engine would log everything
		c.add(el("logger", leaf("level", "warning"), leaf("console", "1")))
	}
	if len(s.cfg.clusters) > 0 {
		remote := el("remote_servers")
		for _, cl := range s.cfg.clusters {
			remote.add(cl.element(s.secret("cluster " + cl.name)))
		}
		c.add(remote)
	}
	if len(s.cfg.Policies) > 0 {
		c.add(storage(s.cfg.Policies))
	}
	return c
}

func storage(policies []Policy) element {
	disks, all := el("disks"), el("policies")
	seen := map[string]bool{}
	for _, p := range policies {
		volumes := el("volumes")
		for _, v := range p.Volumes {
			if !seen[v.Name] {
				seen[v.Name] = true
				disks.add(el(v.Name, leaf("path", home+v.Name+"/")))
			}
			volume := el(v.Name, leaf("disk", v.Name))
			if v.MaxPartSize > 0 {
				volume.add(leaf("max_data_part_size_bytes", strconv.FormatInt(v.MaxPartSize, 10)))
			}
			volumes.add(volume)
		}
		policy := el(p.Name, volumes)
		if p.MoveFactor > 0 {
			policy.add(leaf("move_factor", strconv.FormatFloat(p.MoveFactor, 'g', -1, 64)))
		}
		all.add(policy)
	}
	return el("storage_configuration", disks, all)
}

// engines are those of tables that learners may make: all that keep their data in
// the server. Others reach out of it (URL, MySQL), read its files or run its programs.
var engines = []string{
	"MergeTree", "ReplacingMergeTree", "SummingMergeTree", "AggregatingMergeTree", "CollapsingMergeTree",
	"VersionedCollapsingMergeTree", "CoalescingMergeTree", "Memory", "Log", "TinyLog", "StripeLog",
	"Null", "Set", "Join", "Buffer", "Merge", "Distributed", "View", "MaterializedView",
}

func (s *Server) users() element {
	grants := el("grants",
		leaf("query", "GRANT SELECT ON system.*"),
		leaf("query", "GRANT SYSTEM FLUSH LOGS ON *.*"), // to see their own queries there
	)
	for _, engine := range engines {
		grants.add(leaf("query", "GRANT TABLE ENGINE ON "+engine))
	}
	for _, g := range s.cfg.Grants {
		grants.add(leaf("query", "GRANT "+g))
	}
	return el("clickhouse",
		el("profiles",
			settings("default", s.cfg.Settings),
			settings(Learner, s.cfg.LearnerSettings, "profile", "default"),
		),
		el("quotas", el("default")),
		el("users",
			// The local image's engine talks to itself as default.
			account("default", el("password"), "127.0.0.1", "default"),
			account(Harness, s.password(Harness), "::/0", "default"),
			account(Learner, s.password(Learner), "::/0", Learner, grants),
		),
	)
}

// password is kept as its hash: the file can be read by who is in the container.
func (s *Server) password(user string) element {
	sum := sha256.Sum256([]byte(s.secret(user)))
	return leaf("password_sha256_hex", hex.EncodeToString(sum[:]))
}

func account(name string, password element, from, profile string, more ...element) element {
	a := el(name, password, el("networks", leaf("ip", from)), leaf("profile", profile), leaf("quota", "default"))
	return a.add(more...)
}

// settings lists values by name, after pairs that come first and may be overridden.
func settings(name string, values map[string]string, first ...string) element {
	e := el(name)
	for i := 0; i < len(first); i += 2 {
		if _, ok := values[first[i]]; !ok {
			e.add(leaf(first[i], first[i+1]))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		e.add(leaf(key, values[key]))
	}
	return e
}

// element is a piece of a configuration file.
type element struct {
	name, text string
	kids       []element
}

func el(name string, kids ...element) element { return element{name: name, kids: kids} }
func leaf(name, text string) element          { return element{name: name, text: text} }

func (e *element) add(kids ...element) element {
	e.kids = append(e.kids, kids...)
	return *e
}

// String is the element as indented XML.
func (e element) String() string {
	var b strings.Builder
	e.write(&b, "")
	return b.String()
}

func (e element) write(b *strings.Builder, indent string) {
	b.WriteString(indent + "<" + e.name + ">")
	if len(e.kids) > 0 {
		b.WriteString("\n")
		for _, k := range e.kids {
			k.write(b, indent+"    ")
		}
		b.WriteString(indent)
	}
	_ = xml.EscapeText(b, []byte(e.text)) // a Builder never fails
	b.WriteString("</" + e.name + ">\n")
}

// host and port of a replica, as the servers reach each other.
type shards struct {
	name  string
	hosts []string
}

func (c shards) element(secret string) element {
	e := el(c.name, leaf("secret", secret))
	for _, host := range c.hosts {
		e.add(el("shard", el("replica", leaf("host", cmp.Or(host, "127.0.0.1")), leaf("port", strconv.Itoa(nativePort)))))
	}
	return e
}

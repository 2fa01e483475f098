package clickhouse

import (
	"context"
	"fmt"
	"net"
	"net/url"

	"faultlab/docker"
	"faultlab/internal/rig"
)

var _ rig.Explorable = (*Server)(nil)

// Shell is clickhouse-client. The local image's engine has none; its HTTP
// interface takes statements instead.
func (s *Server) Shell(img docker.Image) rig.Shell {
	if img.Origin != docker.Official {
		return rig.Shell{HTTP: s.query().String()}
	}
	return rig.Shell{
		Cmd: []string{"clickhouse-client"},
		Env: map[string]string{
			"HOME": "/tmp", "CLICKHOUSE_USER": Learner, "CLICKHOUSE_PASSWORD": s.secret(Learner),
		},
	}
}

// query is where HTTP clients of this machine ask as the learner.
func (s *Server) query() *url.URL {
	u, _ := url.Parse(s.HTTP()) // made by us
	u.Path = "/"
	u.RawQuery = url.Values{"user": {Learner}, "password": {s.secret(Learner)}}.Encode()
	return u
}

// Connect is how clients of this machine log in as the learner.
func (s *Server) Connect() []rig.Connect {
	host, port, _ := net.SplitHostPort(s.Addr())
	return []rig.Connect{
		{
			What: "clickhouse-client", Client: "clickhouse-client", Inside: []string{"clickhouse-client"},
			Line: fmt.Sprintf("clickhouse-client --host %s --port %s --user %s --password %s", host, port, Learner, s.secret(Learner)),
		},
		{What: "curl", Client: "curl", Line: fmt.Sprintf("curl '%s' --data-binary 'SHOW DATABASES'", s.query())},
		{What: "DSN", Line: s.DSN(Learner, "default")},
	}
}

// Objects are the tables and views.
func (s *Server) Objects(ctx context.Context) (map[string]string, error) {
	rows, err := s.Admin().Query(ctx, `SELECT concat(database, '.', name), create_table_query FROM system.tables
		WHERE NOT is_temporary AND database NOT IN ('system', 'information_schema', 'INFORMATION_SCHEMA')`)
	if err != nil {
		return nil, fmt.Errorf("look at tables of %s: %w", s.Name(), err)
	}
	defer rows.Close()
	objects := map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, fmt.Errorf("look at tables of %s: %w", s.Name(), err)
		}
		objects["table "+name] = text
	}
	return objects, rows.Err()
}

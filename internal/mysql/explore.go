package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"regexp"

	"faultlab/docker"
	"faultlab/internal/rig"
)

// shellHome is the home folder of whoever works in the container.
const shellHome = "/etc/faultlab/shell"

var _ rig.Explorable = (*Server)(nil)

// visitor is the account of somebody who looks around: the learner, or the
// harness where the lab has no learner (its fix is a program).
func (s *Server) visitor() string {
	if _, ok := s.Grants[Learner]; ok {
		return Learner
	}
	return Admin
}

// Shell is the mysql client. Every client of the image reads the option file.
// The client takes \G from a pipe only if it is told to.
func (s *Server) Shell(docker.Image) rig.Shell {
	user := s.visitor()
	return rig.Shell{
		Cmd: []string{"mysql"},
		Env: map[string]string{"HOME": shellHome, "MYSQL_HISTFILE": "/tmp/.mysql_history"},
		Files: []rig.File{{Path: shellHome + "/.my.cnf", Text: fmt.Sprintf(
			"[client]\nuser=%s\npassword=%s\nhost=127.0.0.1\nport=%d\n\n[mysql]\nloose-commands\ndatabase=%s\nprompt=%s@%s \\\\d>\\\\_\n",
			user, s.password(user), port, s.Database, user, s.Name())}},
	}
}

// Connect is how clients of this machine log in as the same account.
func (s *Server) Connect() []rig.Connect {
	user := s.visitor()
	host, p, _ := net.SplitHostPort(s.node.Addr(port))
	return []rig.Connect{
		{What: "mysql", Client: "mysql", Line: fmt.Sprintf("mysql -h%s -P%s -u%s -p%s %s", host, p, user, s.password(user), s.Database), Inside: []string{"mysql"}},
		{What: "Go DSN", Line: s.DSN(user)},
	}
}

// counter is what SHOW CREATE TABLE says of the next id, which traffic moves.
var counter = regexp.MustCompile(` AUTO_INCREMENT=\d+`)

// Objects are the tables and views, and the variables that were set since the
// server started.
func (s *Server) Objects(ctx context.Context) (map[string]string, error) {
	objects := map[string]string{}
	tables, err := s.pairs(ctx, `SELECT CONCAT('`+"`', REPLACE(TABLE_SCHEMA, '`', '``'), '`.`', REPLACE(TABLE_NAME, '`', '``'), '`"+`'), TABLE_TYPE
		FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')`)
	if err != nil {
		return nil, err
	}
	for name := range tables {
		text, err := dump(ctx, s.Admin(), "SHOW CREATE TABLE "+name)
		if err != nil {
			continue // dropped since; a table that is gone shows by its absence
		}
		objects["table "+name] = counter.ReplaceAllString(text, "")
	}
	variables, err := s.pairs(ctx, `SELECT VARIABLE_NAME, g.VARIABLE_VALUE
		FROM performance_schema.variables_info JOIN performance_schema.global_variables g USING (VARIABLE_NAME)
		WHERE VARIABLE_SOURCE = 'DYNAMIC' AND VARIABLE_NAME NOT LIKE 'gtid\_%'`)
	if err != nil {
		return nil, err
	}
	for name, value := range variables {
		objects["variable "+name] = value
	}
	return objects, nil
}

// pairs is a result of two columns.
func (s *Server) pairs(ctx context.Context, query string) (map[string]string, error) {
	rows, err := s.Admin().QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", s.Name(), err)
	}
	defer rows.Close()
	got := map[string]string{}
	for rows.Next() {
		var name, value sql.NullString
		if err := rows.Scan(&name, &value); err != nil {
			return nil, fmt.Errorf("look at %s: %w", s.Name(), err)
		}
		got[name.String] = value.String
	}
	return got, rows.Err()
}

// Package house holds the tests of the rules of the house: who may import
// whom, and what may not stand in a file.
package house

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rules say for a package (or all below it, with /...) which imports it must
// not have, directly or through others of ours. Dependencies point one way:
// cmd → cli → labs → lab, rig, engines.
var rules = []struct {
	pkg       string
	forbidden []string
	direct    bool // only what the package itself imports
	except    []string
}{
	// A lab, and a report of one, can be understood and tested without any server.
	{pkg: "faultlab/internal/lab", forbidden: append(clients, "testing", "github.com/testcontainers", "os/exec", "faultlab/")},
	{pkg: "faultlab/internal/report", forbidden: append(clients, "testing", "github.com/testcontainers", "os/exec")},
	{pkg: "faultlab/internal/measure", forbidden: append(clients, "testing", "github.com/testcontainers")},
	{pkg: "faultlab/internal/fix", forbidden: append(clients, "testing", "github.com/testcontainers")},
	// One importer of testcontainers.
	{pkg: "faultlab/...", forbidden: []string{"github.com/testcontainers"}, direct: true, except: []string{"faultlab/internal/rig"}},
	// One screen; it knows nothing of what is behind its keys.
	{pkg: "faultlab/...", forbidden: []string{"charm.land/bubbletea/v2"}, direct: true, except: []string{"faultlab/internal/watch"}},
	{pkg: "faultlab/internal/watch", forbidden: append(clients, append(upper[:4:4], "testing", "github.com/testcontainers", "faultlab/internal/fix", "faultlab/internal/rig")...)},
	// One package that is go test's.
	{pkg: "faultlab/...", forbidden: []string{"testing"}, direct: true, except: []string{"faultlab/internal/labtest"}},
	// Engines know nothing of labs' folders, of commands or of go test.
	{pkg: "faultlab/internal/mysql", forbidden: upper},
	{pkg: "faultlab/internal/redis", forbidden: upper},
	{pkg: "faultlab/internal/kafka", forbidden: upper},
	{pkg: "faultlab/internal/clickhouse", forbidden: upper},
	{pkg: "faultlab/internal/rig", forbidden: append(clients, upper...)},
	{pkg: "faultlab/docker", forbidden: append(clients, upper...)},
	{pkg: "faultlab/labs/...", forbidden: []string{"faultlab/internal/cli", "faultlab/internal/labtest", "faultlab/internal/trial", "github.com/testcontainers"}, direct: true},
}

var clients = []string{
	"github.com/go-sql-driver/mysql", "github.com/redis/go-redis", "github.com/segmentio/kafka-go", "github.com/ClickHouse/clickhouse-go",
}

var upper = []string{"faultlab/labs", "faultlab/internal/cli", "faultlab/internal/labtest", "faultlab/internal/trial", "faultlab/internal/report"}

type pkg struct {
	ImportPath    string
	Name          string
	Imports, Deps []string
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range list(t) {
		for _, rule := range rules {
			below, all := strings.CutSuffix(rule.pkg, "...")
			if p.ImportPath != rule.pkg && !(all && strings.HasPrefix(p.ImportPath, below)) || slices.Contains(rule.except, p.ImportPath) {
				continue
			}
			imports := p.Deps
			if rule.direct {
				imports = p.Imports
			}
			for _, imp := range imports {
				for _, bad := range rule.forbidden {
					if imp == bad || strings.HasPrefix(imp, strings.TrimSuffix(bad, "/")+"/") {
						t.Errorf("%s must not import %s", p.ImportPath, imp)
					}
				}
			}
		}
	}
}

// A fix that does not compile must break one run and nothing else.
func TestNobodyImportsAVariant(t *testing.T) {
	for _, p := range list(t) {
		for _, imp := range p.Imports {
			parts := strings.Split(imp, "/")
			if len(parts) > 4 && parts[0] == "faultlab" && parts[1] == "labs" {
				t.Errorf("%s imports the variant %s", p.ImportPath, imp)
			}
		}
	}
}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Name,Imports,Deps", "faultlab/...")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

package fix

import (
	"slices"
	"strings"
	"testing"
)

func TestStatements(t *testing.T) {
	for _, c := range []struct {
		name    string
		dialect Dialect
		sql     string
		want    []Statement
	}{
		{"two", MySQL, "SELECT 1;\nSELECT 2", []Statement{{"SELECT 1", 1}, {"SELECT 2", 2}}},
		{"nothing", MySQL, "", nil},
		{"only comments", MySQL, "-- a\n# b\n/* c; */ ;;\n", nil},
		{"line of the first word", MySQL, "-- why\n\n  /* x\n */ SELECT\n 1;\n\nSELECT 2;", []Statement{{"SELECT\n 1", 4}, {"SELECT 2", 7}}},
		{"comment inside is kept", MySQL, "SELECT 1 -- one;\n, 2;", []Statement{{"SELECT 1 -- one;\n, 2", 1}}},
		{"quotes", MySQL, `SELECT ';', ";", ` + "`;`" + `; SELECT 2`, []Statement{{`SELECT ';', ";", ` + "`;`", 1}, {"SELECT 2", 1}}},
		{"doubled quotes", MySQL, `SELECT 'a'';'; x`, []Statement{{`SELECT 'a'';'`, 1}, {"x", 1}}},
		{"escapes", MySQL, `SELECT '\';'; x`, []Statement{{`SELECT '\';'`, 1}, {"x", 1}}},
		{"no escape in backquotes", MySQL, "SELECT `\\`; x", []Statement{{"SELECT `\\`", 1}, {"x", 1}}},
		{"not closed", MySQL, "SELECT 'a; b", []Statement{{"SELECT 'a; b", 1}}},
		{"comment not closed", MySQL, "SELECT 1; /* b; c", []Statement{{"SELECT 1", 1}}},
		{"minus minus", MySQL, "SELECT 1--1; x", []Statement{{"SELECT 1--1", 1}, {"x", 1}}},
		{"dashes at the end", MySQL, "SELECT 1;--", []Statement{{"SELECT 1", 1}}},
		{"code in comments", MySQL, "/*!80000 SET a=1; */; SELECT /*+ INDEX(t i) */ 1", []Statement{{"/*!80000 SET a=1; */", 1}, {"SELECT /*+ INDEX(t i) */ 1", 1}}},
		{"delimiter", MySQL, "DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; END//\ndelimiter ;\nCALL p();", []Statement{{"CREATE PROCEDURE p() BEGIN SELECT 1; END", 2}, {"CALL p()", 4}}},
		{"delimiter is no word of it", MySQL, "SELECT 1 AS\ndelimiter; x", []Statement{{"SELECT 1 AS\ndelimiter", 1}, {"x", 2}}},
		{"delimiters_", MySQL, "delimiters; x", []Statement{{"delimiters", 1}, {"x", 1}}},
		{"delimiter without one", MySQL, "DELIMITER\nSELECT 1;", []Statement{{"SELECT 1", 2}}},
		{"windows line ends", MySQL, "-- a\r\nDELIMITER $$\r\nSELECT 1$$\r\nDELIMITER ;\r\nSELECT 2;\r\n", []Statement{{"SELECT 1", 3}, {"SELECT 2", 5}}},
		{"hash in MySQL", MySQL, "#a;\nSELECT 1", []Statement{{"SELECT 1", 2}}},

		{"dashes without a space", ClickHouse, "--a;\nSELECT 1; --1", []Statement{{"SELECT 1", 2}}},
		{"hash in ClickHouse", ClickHouse, "# a;\n#! b;\nSELECT 1", []Statement{{"SELECT 1", 3}}},
		{"escaped backquote", ClickHouse, "SELECT `\\`;`; x", []Statement{{"SELECT `\\`;`", 1}, {"x", 1}}},
		{"heredoc", ClickHouse, "SELECT $doc$ ; ' $doc$; x", []Statement{{"SELECT $doc$ ; ' $doc$", 1}, {"x", 1}}},
		{"lone dollar", ClickHouse, "SELECT $1; x$ y", []Statement{{"SELECT $1", 1}, {"x$ y", 1}}},
		{"no delimiter command", ClickHouse, "DELIMITER //\nx; y", []Statement{{"DELIMITER //\nx", 1}, {"y", 2}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.dialect.Statements(c.sql); !slices.Equal(got, c.want) {
				t.Errorf("Statements(%q)\n got %+v\nwant %+v", c.sql, got, c.want)
			}
		})
	}
}

// What lies between two statements holds no code, and splitting a statement
// again finds that one statement: so nothing is lost and nothing torn.
func FuzzStatements(f *testing.F) {
	for _, s := range []string{"a; 'b;'; -- c\n d", "DELIMITER //\na;b//c", "/*! a; */ `;` # x\n;", "$a$;$a$;", "a--;\n/*", `"\";"`} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, sql string, clickhouse bool) {
		d := MySQL
		if clickhouse {
			d = ClickHouse
		}
		custom := d == MySQL && strings.Contains(strings.ToLower(sql), "delimiter")
		at := 0
		for _, s := range d.spans(sql) {
			if s.from < at || s.to <= s.from || s.to > len(sql) {
				t.Fatalf("span %v after %d of %q", s, at, sql)
			}
			gap, text := sql[at:s.from], sql[s.from:s.to]
			at = s.to
			if custom { // gaps hold other delimiters, and texts other semicolons
				continue
			}
			if lost := d.Statements(gap); len(lost) != 0 {
				t.Fatalf("lost %+v of %q", lost, sql)
			}
			// What is not closed takes the semicolon too.
			if again := d.Statements(text + ";"); len(again) != 1 || again[0].Text != text && again[0].Text != text+";" {
				t.Fatalf("split again, %q is %+v", text, again)
			}
		}
		if rest := d.Statements(sql[at:]); !custom && len(rest) != 0 {
			t.Fatalf("lost %+v of %q", rest, sql)
		}
	})
}

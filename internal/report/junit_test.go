package report

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// junitRules are what junit-10.xsd of the xunit plugin for Jenkins allows, as far as
// we use it: which attributes an element has (! those that it must have), and which
// elements may be in it.
// https://github.com/jenkinsci/xunit-plugin/blob/031e285ef3b60dee7aaf36e9096d7dcd95ffae83/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd
var junitRules = map[string]struct{ attrs, inside string }{
	"testsuites": {"name time tests failures errors", "testsuite"},
	"testsuite": {
		"name! tests! failures! errors! group time skipped timestamp hostname id package file log url",
		"testsuite properties testcase system-out system-err",
	},
	"properties": {"", "property"},
	"property":   {"name! value!", ""},
	"testcase":   {"name! time classname group", "skipped error failure rerunFailure rerunError flakyFailure flakyError system-out system-err"},
	"failure":    {"type message", ""},
	"error":      {"type message", ""},
	"skipped":    {"type message", ""},
}

var junitTime = regexp.MustCompile(`^(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?$`)

func keepsRules(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	var open []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.StartElement:
			name := e.Name.Local
			rule, known := junitRules[name]
			switch {
			case !known:
				t.Errorf("element %s", name)
			case len(open) == 0 && name != "testsuites":
				t.Errorf("%s is the root", name)
			case len(open) > 0 && !slices.Contains(strings.Fields(junitRules[open[len(open)-1]].inside), name):
				t.Errorf("%s in %s", name, open[len(open)-1])
			}
			var has []string
			for _, a := range e.Attr {
				has = append(has, a.Name.Local)
				if !slices.Contains(strings.Fields(strings.ReplaceAll(rule.attrs, "!", "")), a.Name.Local) {
					t.Errorf("%s has the attribute %s", name, a.Name.Local)
				}
				if a.Name.Local == "time" && name != "testcase" && !junitTime.MatchString(a.Value) {
					t.Errorf("%s takes %q", name, a.Value)
				}
			}
			for _, a := range strings.Fields(rule.attrs) {
				if must, ok := strings.CutSuffix(a, "!"); ok && !slices.Contains(has, must) {
					t.Errorf("%s lacks the attribute %s", name, must)
				}
			}
			open = append(open, name)
		}
	}
}

package lab_test

import (
	"math"
	"strings"
	"testing"

	"faultlab/internal/lab"
)

func TestValidate(t *testing.T) {
	if err := newFake().lab().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want  string
		spoil func(*lab.Lab)
	}{
		{`Name "slow-query" is not`, func(l *lab.Lab) { l.Name = "slow-query" }},
		{`Name "mysql/Slow" is not`, func(l *lab.Lab) { l.Name = "mysql/Slow" }},
		{"Title is empty", func(l *lab.Lab) { l.Title = "" }},
		{`Level "brutal" is none of`, func(l *lab.Lab) { l.Level = "brutal" }},
		{"Minutes must be above 0", func(l *lab.Lab) { l.Minutes = 0 }},
		{`Engines [] lacks "mysql"`, func(l *lab.Lab) { l.Engines = nil }},
		{"Memory must be above 0", func(l *lab.Lab) { l.Memory = 0 }},
		{"Disk must be above 0", func(l *lab.Lab) { l.Disk = 0 }},
		{"Notes is empty", func(l *lab.Lab) { l.Notes = nil }},
		{"Fix is neither", func(l *lab.Lab) { l.Fix = lab.Kind{} }},
		{"Fix is neither", func(l *lab.Lab) { l.Fix = lab.Kind{Program: true, Files: []string{"x"}} }},
		{"New is nil", func(l *lab.Lab) { l.New = nil }},
		{"Checks has no Symptom", func(l *lab.Lab) { l.Checks = l.Checks[1:] }},
		{"Checks has no Symptom", func(l *lab.Lab) { l.Checks = nil }},
		{"Checks [3] is not made by", func(l *lab.Lab) { l.Checks = append(l.Checks, lab.Check{}) }},
		{"Checks [3] is not made by", func(l *lab.Lab) { l.Checks = append(l.Checks, lab.Better("", 2)) }},
		{`Checks [3] repeats the id "rows"`, func(l *lab.Lab) { l.Checks = append(l.Checks, lab.AtLeast("rows", 1)) }},
		{`Checks [3] repeats the id "applies"`, func(l *lab.Lab) { l.Checks = append(l.Checks, lab.AtLeast("applies", 1)) }},
		{`Checks [0] "rows" has the weight 0`, func(l *lab.Lab) { l.Checks[0] = l.Checks[0].Weight(0) }},
		{`Checks [1] "rows-ratio" is a Better`, func(l *lab.Lab) { l.Checks[1] = l.Checks[1].Symptom() }},
	} {
		l := newFake().lab()
		c.spoil(l)
		switch err := l.Validate(); {
		case err == nil:
			t.Errorf("no error, want %q", c.want)
		case !strings.HasPrefix(err.Error(), "lab "+l.Name+": "+c.want):
			t.Errorf("error %q, want %q", err, c.want)
		}
	}
	l := newFake().lab()
	l.Title, l.Minutes = "", 0
	if err := l.Validate(); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two wrong fields: %v", err)
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 999: "999", 1000: "1,000", 1000000: "1,000,000", -1234: "-1,234", 0.25: "0.25", 0.5: "0.5",
		1234.567: "1,234.57", 9.999: "10", 0.0125: "0.013", 0.00004: "0.00004", -0.5: "-0.5", 1e18: "1,000,000,000,000,000,000",
		1e20: "100,000,000,000,000,000,000", math.Inf(1): "+Inf", 0.999: "1", math.Copysign(0, -1): "0",
	} {
		if got := lab.Number(v); got != want {
			t.Errorf("Number(%g) = %q, want %q", v, got, want)
		}
	}
	if got := lab.Number(math.NaN()); got != "NaN" {
		t.Errorf("Number(NaN) = %q", got)
	}
}

func TestReadings(t *testing.T) {
	var r lab.Readings
	r.Set("b", "rows", 1)
	r.Set("a", "", 2)
	r.Set("b", "rows", 3)
	if all := r.All(); len(all) != 2 || all[0] != (lab.Reading{Name: "b", Unit: "rows", Value: 3}) || all[1].Name != "a" {
		t.Errorf("readings %+v", all)
	}
	if _, ok := r.Get("c"); ok {
		t.Error("a reading that was not taken")
	}
	if _, ok := (*lab.Readings)(nil).Get("a"); ok {
		t.Error("a reading of none")
	}
}

func TestKind(t *testing.T) {
	for file, want := range map[string]bool{"main.go": true, "main_test.go": false, "go.mod": false, "fix.sql": false} {
		if got := lab.Program().Wants(file); got != want {
			t.Errorf("program wants %s: %t", file, got)
		}
	}
	if k := lab.Scripts("a.sql", "b.sql"); !k.Wants("a.sql") || k.Wants("c.sql") || k.String() != "a.sql, b.sql" {
		t.Errorf("kind %s", k)
	}
}

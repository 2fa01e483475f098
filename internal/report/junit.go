package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"

	"faultlab/internal/lab"
	"faultlab/internal/quote"
)

// The elements of JUnit's XML that the xunit plugin of Jenkins publishes rules for
// (junit-10.xsd): a suite an attempt, a case a check.
type (
	junitSuites struct {
		XMLName  xml.Name `xml:"testsuites"`
		Name     string   `xml:"name,attr"`
		Time     string   `xml:"time,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Suites   []junitSuite
	}
	junitSuite struct {
		XMLName    xml.Name        `xml:"testsuite"`
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr,omitempty"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name    string      `xml:"name,attr"`
		Class   string      `xml:"classname,attr"`
		Time    string      `xml:"time,attr"`
		Failure *junitNoted `xml:"failure"`
		Error   *junitNoted `xml:"error"`
		Skipped *junitNoted `xml:"skipped"`
	}
	junitNoted struct {
		Type    string `xml:"type,attr,omitempty"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the grading as JUnit's XML. What is invalid is an error there, not a
// failure.
func (g *Grading) JUnit(w io.Writer) error {
	all := junitSuites{Name: "faultlab", Time: fmt.Sprintf("%.3f", g.Seconds)}
	for _, x := range g.Graded {
		s := junitSuite{Name: quote.Plain(x.Submission) + " " + x.Lab, Time: "0.000", Properties: []junitProperty{
			{"seed", fmt.Sprint(g.Seed)}, {"digest", x.Fix.Digest}, {"lab_digest", x.LabDigest},
		}}
		if x.Score != nil {
			s.Properties = append(s.Properties, junitProperty{"score", fmt.Sprint(*x.Score)})
		}
		if x.Run != nil {
			s.Time, s.Timestamp = fmt.Sprintf("%.3f", x.Took()), x.Run.Started.Format(time.DateOnly+"T15:04:05")
		}
		class := quote.Plain(x.Submission) + "." + x.Lab
		for _, c := range x.checks() {
			at := junitCase{Name: c.ID, Class: class, Time: "0.000"}
			switch {
			case c.Skipped:
				at.Skipped = &junitNoted{Message: "not measured: the run ended before"}
				s.Skipped++
			case !c.OK:
				at.Failure = &junitNoted{Type: "check", Message: oneLine(c.Says + ", got " + c.Got), Text: quote.Plain(says(c))}
				s.Failures++
			}
			s.Cases = append(s.Cases, at)
		}
		if x.Verdict == lab.InvalidRun {
			s.Cases = append(s.Cases, junitCase{Name: "graded", Class: class, Time: "0.000", Error: &junitNoted{
				Type: "invalid", Message: "not graded: " + oneLine(x.Reason), Text: quote.Plain(x.Reason),
			}})
			s.Errors++
		}
		s.Tests = len(s.Cases)
		all.Tests, all.Failures, all.Errors = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors
		all.Suites = append(all.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

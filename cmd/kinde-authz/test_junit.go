package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/policytest"
)

// The elements of JUnit's reports that CI systems read.
// https://github.com/testmoapp/junitxml
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Cases    []junitCase `xml:"testcase"`
		Output   *junitText  `xml:"system-out"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr"`
		Seconds string        `xml:"time,attr"`
		Failure *junitFailure `xml:"failure"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",cdata"`
	}
	junitText struct {
		Text string `xml:",cdata"`
	}
)

// writeTestJUnit writes a suite a file of cases. What no case reached is the output
// of the last.
func writeTestJUnit(out io.Writer, report *policytest.Report) error {
	all := junitSuites{Tests: len(report.Results), Failures: report.Failed()}
	for _, r := range report.Results {
		if n := len(all.Suites); n == 0 || all.Suites[n-1].Name != r.File {
			all.Suites = append(all.Suites, junitSuite{Name: r.File})
		}
		all.Suites[len(all.Suites)-1].add(r)
	}
	if text := unreachedText(report); text != "" && len(all.Suites) > 0 {
		all.Suites[len(all.Suites)-1].Output = &junitText{text}
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s%s\n", xml.Header, text)
	return err
}

func (s *junitSuite) add(r *policytest.Result) {
	one := junitCase{
		Name: r.Name, Class: r.File, File: r.File, Line: r.Line,
		Seconds: fmt.Sprintf("%.6f", float64(r.Took)/float64(time.Second)),
	}
	s.Tests++
	if len(r.Failures) > 0 {
		s.Failures++
		one.Failure = &junitFailure{strings.Join(r.Failures, "; "), failureText(r)}
	}
	s.Cases = append(s.Cases, one)
}

package main

import (
	"fmt"
	"strings"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/policytest"
)

// testText is the report for people: a line a case, and below one that failed what
// was wrong and the steps of its decision.
func testText(report *policytest.Report) string {
	var out strings.Builder
	for _, r := range report.Results {
		mark := "ok  "
		if len(r.Failures) > 0 {
			mark = "FAIL"
		}
		fmt.Fprintf(&out, "%s  %s:%d: %s\n", mark, r.File, r.Line, r.Name)
		if text := failureText(r); text != "" {
			out.WriteString(indented(text, "      ") + "\n")
		}
	}
	fmt.Fprintf(&out, "\n%d passed, %d failed\n", report.Passed(), report.Failed())
	out.WriteString(unreachedText(report))
	return out.String()
}

// failureText says what was wrong and shows the steps; empty for a case that passed.
func failureText(r *policytest.Result) string {
	if len(r.Failures) == 0 {
		return ""
	}
	return strings.Join(r.Failures, "\n") + "\n\n" + explain(&r.Decision, r.Request, nil).text()
}

// unreachedText lists what no case reached; empty where all was.
func unreachedText(report *policytest.Report) string {
	if len(report.Unreached) == 0 {
		return ""
	}
	var out strings.Builder
	out.WriteString("no case reached:\n")
	for _, u := range report.Unreached {
		fmt.Fprintf(&out, "  %s: %s %s\n", u.Place, u.Kind, u.Name)
	}
	return out.String()
}

// indented puts spaces before each line that is not empty.
func indented(text, by string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			out.WriteString(by)
		}
		out.WriteString(line)
	}
	return out.String()
}

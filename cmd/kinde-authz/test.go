package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/policytest"
)

type testCommand struct {
	Files  []string `arg:"" name:"file" help:"YAML files of cases, each of which names its settings file. The environment is not looked at."`
	Format string   `default:"text" enum:"text,json,junit" help:"text, json or junit."`
}

// errNoCase is the end of a run that proved nothing.
var errNoCase = errors.New("no case ran: want tests in the file")

// Run runs the cases and prints how they went. A case that fails ends with exit code
// 1, and so does a run without any.
func (c *testCommand) Run(stdout io.Writer) error {
	report, err := policytest.Run(context.Background(), c.Files)
	if err != nil {
		return usageError{err}
	}
	switch c.Format {
	case "json":
		err = writeTestJSON(stdout, report)
	case "junit":
		err = writeTestJUnit(stdout, report)
	default:
		_, err = io.WriteString(stdout, testText(report))
	}
	switch {
	case err != nil:
		return err
	case len(report.Results) == 0:
		return errNoCase
	case report.Failed() > 0:
		return errRefused
	}
	return nil
}

// testedCase is a case as it is printed in JSON.
type testedCase struct {
	File        string       `json:"file"`
	Line        int          `json:"line"`
	Name        string       `json:"name"`
	Passed      bool         `json:"passed"`
	Failures    []string     `json:"failures,omitempty"`
	Explanation *explanation `json:"explanation,omitempty"` // of one that failed
}

func writeTestJSON(out io.Writer, report *policytest.Report) error {
	cases := make([]testedCase, 0, len(report.Results))
	for _, r := range report.Results {
		one := testedCase{File: r.File, Line: r.Line, Name: r.Name, Passed: len(r.Failures) == 0, Failures: r.Failures}
		if !one.Passed {
			one.Explanation = explain(&r.Decision, r.Request, nil)
		}
		cases = append(cases, one)
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		Passed    int                    `json:"passed"`
		Failed    int                    `json:"failed"`
		Cases     []testedCase           `json:"cases"`
		Unreached []policytest.Unreached `json:"unreached"`
	}{report.Passed(), report.Failed(), cases, append([]policytest.Unreached{}, report.Unreached...)})
}

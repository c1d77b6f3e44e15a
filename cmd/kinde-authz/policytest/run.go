package policytest

import (
	"context"
	"time"

	"github.com/kinde-authz/kinde-authz/authz"
)

// Report is how the cases of all files went.
type Report struct {
	// Results are in the order of the files, and of the cases in them.
	Results []*Result
	// Unreached is what no case reached.
	Unreached []Unreached
}

// Result is how one case went.
type Result struct {
	// File and Line say where the case is, and Name what it shows.
	File string
	Line int
	Name string
	// Failures say what was not as it was wanted; none in a case that passed.
	Failures []string
	// Request is what was asked, and Decision what the answer was. Request holds
	// the case's token: do not print it.
	Request  *authz.Request
	Decision authz.Decision
	// Took is how long the case took.
	Took time.Duration
}

// Passed returns how many cases were as they were wanted.
func (r *Report) Passed() (n int) {
	for _, result := range r.Results {
		if len(result.Failures) == 0 {
			n++
		}
	}
	return n
}

// Failed returns how many were not.
func (r *Report) Failed() int { return len(r.Results) - r.Passed() }

// Run runs the cases of the files at these paths. An error is about a file, of cases
// or of settings, and says where in it; then no case has run.
func Run(ctx context.Context, paths []string) (*Report, error) {
	var suites []*suite
	for _, path := range paths {
		f, err := read(ctx, path)
		if err != nil {
			return nil, err
		}
		loaded, err := f.settings(ctx)
		if err != nil {
			return nil, err
		}
		suites = append(suites, &suite{file: f, settings: loaded})
	}
	by, err := newSigner()
	if err != nil {
		return nil, err
	}
	report, reached := &Report{}, coverage{}
	for _, s := range suites {
		results, err := s.run(ctx, by)
		if err != nil {
			return nil, err
		}
		report.Results = append(report.Results, results...)
		reached.add(s.settings, results)
	}
	report.Unreached = reached.missing()
	return report, nil
}

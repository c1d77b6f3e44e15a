package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// Finding is what is said of one thing.
type Finding struct {
	Outcome Outcome `json:"outcome"`
	Check   string  `json:"check"`
	Text    string  `json:"text"`
	Do      string  `json:"do,omitempty"` // what to change
}

// Outcome is how a check ended.
type Outcome string

// The outcomes.
const (
	Fine    Outcome = "ok"
	Warning Outcome = "warning"
	Failed  Outcome = "failed"
)

// Report collects findings.
type Report struct{ findings []Finding }

func (r *Report) fine(check, format string, args ...any) {
	r.findings = append(r.findings, Finding{Fine, check, fmt.Sprintf(format, args...), ""})
}

func (r *Report) warn(check, text, do string) {
	r.findings = append(r.findings, Finding{Warning, check, text, do})
}

func (r *Report) fail(check, text, do string) {
	r.findings = append(r.findings, Finding{Failed, check, text, do})
}

// judge is fine if the condition holds, else what is given.
func (r *Report) judge(holds bool, check, good string, bad Outcome, text, do string) {
	if holds {
		r.fine(check, "%s", good)
		return
	}
	r.findings = append(r.findings, Finding{bad, check, text, do})
}

// Failed reports whether a check failed.
func (r *Report) Failed() bool {
	return slices.ContainsFunc(r.findings, func(f Finding) bool { return f.Outcome == Failed })
}

// WriteJSON writes the findings as a JSON list.
func (r *Report) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r.findings)
}

// WriteText writes the findings for people, each with what to do.
func (r *Report) WriteText(w io.Writer) error {
	for _, f := range r.findings {
		if _, err := fmt.Fprintf(w, "%-8s %s: %s\n", f.Outcome, f.Check, f.Text); err != nil {
			return err
		}
		if f.Do == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "         -> %s\n", f.Do); err != nil {
			return err
		}
	}
	return nil
}

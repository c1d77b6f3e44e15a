package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// doctorTimeout bounds each thing that the doctor asks of somebody else.
const doctorTimeout = 10 * time.Second

type doctorCommand struct {
	Settings decisionFlags `embed:""`
	Ports    portFlags     `embed:""`

	Address    string `placeholder:"ADDRESS" help:"Address of the running service's gRPC port. Default: as configured for serve."`
	EnvoyAdmin string `placeholder:"URL" help:"Address of Envoy's admin port, like http://127.0.0.1:9901, to check its ext_authz filter."`
	EnvoyFile  string `name:"envoy-config" placeholder:"FILE" help:"File that Envoy was started with, to check it too: its admin port hides the names of policies."`
	Format     string `default:"text" enum:"text,json" help:"text or json."`
}

// finding is what the doctor says of one thing.
type finding struct {
	Outcome outcome `json:"outcome"`
	Check   string  `json:"check"`
	Text    string  `json:"text"`
	Do      string  `json:"do,omitempty"` // what to change
}

type outcome string

const (
	fine    outcome = "ok"
	warning outcome = "warning"
	failed  outcome = "failed"
)

// report collects findings.
type report struct{ findings []finding }

func (r *report) fine(check, format string, args ...any) {
	r.findings = append(r.findings, finding{fine, check, fmt.Sprintf(format, args...), ""})
}

func (r *report) warn(check, text, do string) {
	r.findings = append(r.findings, finding{warning, check, text, do})
}

func (r *report) fail(check, text, do string) {
	r.findings = append(r.findings, finding{failed, check, text, do})
}

// judge is fine if the condition holds, else what is given.
func (r *report) judge(holds bool, check, good string, bad outcome, text, do string) {
	if holds {
		r.fine(check, "%s", good)
		return
	}
	r.findings = append(r.findings, finding{bad, check, text, do})
}

// Run checks everything that can be reached, and prints what it finds. A
// failed check ends with exit code 1.
func (c *doctorCommand) Run(stdout io.Writer) error {
	settings, err := (&flags{decisionFlags: c.Settings, portFlags: c.Ports}).settings()
	if err == nil {
		_, _, err = settings.build(nil)
	}
	if err != nil {
		return usageError{err}
	}
	r := &report{}
	r.fine("settings", "they load")
	ctx := context.Background()
	checkIssuers(ctx, r, settings)
	checkService(ctx, r, settings, c.Address)
	if c.Address == "" { // else another service is meant, whose admin port is not known
		checkUnknownPolicies(ctx, r, settings)
	}
	if c.EnvoyAdmin != "" || c.EnvoyFile != "" {
		checkEnvoy(ctx, r, settings, envoySources{c.EnvoyAdmin, c.EnvoyFile})
	}
	if err := c.print(stdout, r); err != nil {
		return err
	}
	for _, f := range r.findings {
		if f.Outcome == failed {
			return errRefused
		}
	}
	return nil
}

func (c *doctorCommand) print(stdout io.Writer, r *report) error {
	if c.Format == "json" {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r.findings)
	}
	for _, f := range r.findings {
		if _, err := fmt.Fprintf(stdout, "%-8s %s: %s\n", f.Outcome, f.Check, f.Text); err != nil {
			return err
		}
		if f.Do != "" {
			if _, err := fmt.Fprintf(stdout, "         -> %s\n", f.Do); err != nil {
				return err
			}
		}
	}
	return nil
}

// fetch gets a document. No redirect is followed, as the service follows none.
func fetch(ctx context.Context, address string) (header http.Header, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, doctorTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	const limit = 64 << 20 // of a large Envoy's configuration
	body, err = io.ReadAll(io.LimitReader(response.Body, limit))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answered %d: want 200", response.StatusCode)
	}
	return response.Header, body, err
}

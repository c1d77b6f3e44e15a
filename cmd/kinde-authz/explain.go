package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/assertion"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/probe"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
	"github.com/kinde-authz/kinde-authz/internal/regular"
)

// maxTokenInput bounds what is read as a token: more than any token may have.
const maxTokenInput = 1 << 20

type explainCommand struct {
	Settings settings.Decision `embed:""`

	TokenFile string   `placeholder:"FILE" help:"File that holds the access token. Default: standard input. Without a token: empty."`
	Method    string   `placeholder:"METHOD" help:"HTTP method of the request. Default: GET, or POST with a body."`
	Path      string   `default:"/" help:"Path of the request, with its query."`
	Policy    *string  `placeholder:"NAME" help:"Policy that Envoy's route names in context_extensions."`
	Header    []string `placeholder:"NAME" sep:"none" help:"A header that the request has too, like x-kinde-user-id, or with its value, like 'Mcp-Name: get_x'. Can be repeated."`
	Body      string   `placeholder:"TEXT" help:"Body of the request, as Envoy sends it for a route with mcp."`
	JWKSFile  string   `name:"jwks-file" placeholder:"FILE" help:"JWK set to verify with instead of the issuer's, to work without a network."`
	Address   string   `placeholder:"ADDRESS" help:"gRPC address of a running service, like localhost:9191 or unix:/path: warn when its settings are not these."`
	Format    string   `default:"text" enum:"text,json" help:"text or json."`
}

// explanation is a decision as it is printed.
type explanation struct {
	Decision string            `json:"decision"`
	Reason   authz.Reason      `json:"reason"`
	Status   int               `json:"status,omitempty"`
	Method   string            `json:"method"`
	Path     string            `json:"path"`
	Route    string            `json:"route,omitempty"`
	Policy   string            `json:"policy,omitempty"`
	Resource string            `json:"resource,omitempty"`
	MCP      string            `json:"mcp_method,omitempty"`
	Tool     string            `json:"mcp_tool,omitempty"`
	Shadow   authz.Reason      `json:"shadow_reason,omitempty"`
	Steps    []step            `json:"steps"`
	Detail   string            `json:"detail,omitempty"`
	Missing  string            `json:"missing,omitempty"`
	Hint     string            `json:"hint,omitempty"`
	Keys     []string          `json:"key_faults,omitempty"`
	Set      map[string]string `json:"headers_set,omitempty"`
	Remove   []string          `json:"headers_removed,omitempty"`
	Warnings []string          `json:"warnings,omitempty"`

	unsent string // why there is no token, empty where there is one
}

type step struct {
	Name    string        `json:"step"`
	Outcome authz.Outcome `json:"outcome"`
}

// Run prints what serve would answer, by the same code, and why. A denial ends
// with exit code 1.
func (c *explainCommand) Run(stdin io.Reader, stdout io.Writer) error {
	loaded, err := (&settings.Flags{Decision: c.Settings}).Read()
	if err != nil {
		return usageError{err}
	}
	request, err := c.request(stdin)
	if err != nil {
		return usageError{err}
	}
	warnings := c.compare(loaded)
	decision, faults, err := c.decide(loaded, request)
	if err != nil {
		return usageError{err}
	}
	e := explain(&decision, request, faults)
	e.Warnings = warnings
	if len(request.Authorization) == 0 {
		e.unsent = cmp.Or(c.TokenFile, "standard input") + " is empty"
	}
	if c.Format == "json" {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(e)
	} else {
		_, err = io.WriteString(stdout, e.text())
	}
	if err == nil && !decision.Allowed() {
		return errRefused
	}
	return err
}

// compare says how the settings differ from those of the running service that is
// named: what it answers may then not be what is explained.
func (c *explainCommand) compare(loaded *settings.Settings) []string {
	if c.Address == "" {
		return nil
	}
	_, digest, err := probe.Service(context.Background(), c.Address, loaded.TLS)
	if err != nil {
		return []string{fmt.Sprintf("service %s: its settings are not known: %v", c.Address, err)}
	}
	if unlike := loaded.Unlike(digest); unlike != "" {
		return []string{fmt.Sprintf("service %s: %s", c.Address, unlike)}
	}
	return nil
}

// request is the request that is asked about.
func (c *explainCommand) request(stdin io.Reader) (*authz.Request, error) {
	if c.TokenFile != "" {
		content, err := regular.Read(context.Background(), c.TokenFile, maxTokenInput)
		if err != nil {
			return nil, fmt.Errorf("--token-file: %w", err)
		}
		stdin = bytes.NewReader(content)
	}
	content, err := io.ReadAll(io.LimitReader(stdin, maxTokenInput))
	if err != nil {
		return nil, errors.New("the token cannot be read")
	}
	var authorization string
	if token := strings.TrimSpace(string(content)); token != "" {
		scheme, credentials, spaced := strings.Cut(token, " ")
		if !spaced || !strings.EqualFold(scheme, "bearer") {
			credentials = token
		}
		authorization = "Bearer " + credentials
	}
	var extensions map[string]string
	if c.Policy != nil { // an empty name is one too, and no policy has it
		extensions = map[string]string{"policy": *c.Policy}
	}
	request := authz.NewRequest(c.method(), c.Path, nil, extensions)
	request.Body = c.Body
	if authorization != "" {
		request.AddHeader("authorization", authorization)
	}
	for _, header := range c.Header {
		name, value, given := strings.Cut(header, ":")
		if !given {
			value = "forged"
		}
		request.AddHeader(name, strings.TrimSpace(value))
	}
	return request, nil
}

func (c *explainCommand) method() string {
	if c.Body != "" {
		return cmp.Or(c.Method, http.MethodPost)
	}
	return cmp.Or(c.Method, http.MethodGet)
}

// decide waits for the keys, or for the failure to fetch them, and decides.
func (c *explainCommand) decide(loaded *settings.Settings, request *authz.Request) (authz.Decision, []string, error) {
	for i := range loaded.Verifier.Issuers {
		if c.JWKSFile != "" {
			loaded.Verifier.Issuers[i].JWKSFile = c.JWKSFile
		}
	}
	if a := loaded.Authorizer.Assertion; a != nil { // signed with a key of its own, which nobody takes for the service's
		keys, err := assertion.Generate()
		if err != nil {
			return authz.Decision{}, nil, err
		}
		a.Keys = func() *assertion.Keys { return keys }
	}
	refreshed := probe.Observe(&loaded.Verifier)
	verifier, authorizer, err := loaded.Build(nil)
	if err != nil {
		return authz.Decision{}, nil, err
	}
	defer verifier.Start()()
	var faults []string
	for _, r := range refreshed.First(len(loaded.Verifier.Issuers)) {
		for _, err := range append(r.Refused, r.Err) {
			if err != nil {
				faults = append(faults, fmt.Sprintf("%s: %v", r.Issuer, err))
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return authorizer.Decide(ctx, request), faults, nil
}

func explain(d *authz.Decision, request *authz.Request, faults []string) *explanation {
	e := &explanation{
		Decision: d.Effect(), Reason: d.Reason, Status: d.Status(), Method: request.Method, Path: request.Path,
		Route: d.Route(), Policy: d.Policy(), Resource: d.Resource(), MCP: d.MCPMethod(), Tool: d.MCPTool(), Detail: d.Detail, Hint: d.Hint(), Keys: faults,
		Missing: strings.Join(slices.Collect(d.Missing()), " "), Shadow: d.ShadowReason(),
	}
	for _, s := range d.Steps() {
		e.Steps = append(e.Steps, step{s.Name, s.Outcome})
	}
	set, remove := d.Headers()
	if len(set) > 0 {
		e.Set = make(map[string]string, len(set))
	}
	for _, h := range set {
		e.Set[h.Name] = h.Value
	}
	if e.Set["x-kinde-assertion"] != "" {
		e.Set["x-kinde-assertion"] = "(what the service signs)"
	}
	e.Remove = remove
	return e
}

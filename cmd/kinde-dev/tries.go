package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// try is a request for the reader to send.
type try struct {
	status int                     // with the sample settings and the sample agent
	says   string                  // of the caller
	token  *kindetest.TokenRequest // nil sends none
	forged bool                    // sends a user's ID
}

// tries are what up prints. A quote in a text would open a string in a shell
// that it is pasted into.
var tries = []try{
	{status: 200, says: "a user, and the identity that arrives", token: &kindetest.TokenRequest{}},
	{status: 200, says: "a machine", token: &kindetest.TokenRequest{Actor: "system"}},
	{status: 200, says: "a user with a forged header, which does not arrive", token: &kindetest.TokenRequest{}, forged: true},
	{status: 401, says: "no token"},
	{status: 401, says: "an expired token", token: &kindetest.TokenRequest{Broken: "expired"}},
	{status: 401, says: "an ID token", token: &kindetest.TokenRequest{Broken: "id-token"}},
	{status: 401, says: "a token for another API", token: &kindetest.TokenRequest{Broken: "wrong-audience"}},
	{status: 403, says: "a user of another organization", token: &kindetest.TokenRequest{Org: "org_other"}},
}

// line is the request as a shell takes it.
func (t try) line(program, issuer, url, path string) string {
	request := stack.Request{Token: t.token, Method: http.MethodGet, Path: path}
	if t.forged {
		request.Headers = []stack.Header{{Name: "x-kinde-user-id", Value: "kp_admin"}}
	}
	return request.Curl(program, issuer, url)
}

// heading tells what becomes of the request, as far as it is known: own settings decide
// in their own way, an own upstream answers in its own.
func (o *ownFlags) heading(t try) string {
	switch {
	case o.Settings != "":
		return t.says
	case o.Upstream != "" && t.status == http.StatusOK:
		return "passes: " + t.says
	default:
		return fmt.Sprintf("%d: %s", t.status, t.says)
	}
}

// past is the request past Envoy, and what becomes of it.
func (o *ownFlags) past() (says string, shown bool) {
	switch {
	case o.Upstream != "":
		return "past Envoy: 401 once your service verifies the assertion", true
	case o.Settings != "": // whose assertion the sample agent does not know
		return "", false
	default:
		return "401 of the agent: called directly, without a signed identity", true
	}
}

// path is what is requested. An upstream that is not known has a front page at best.
func (o *ownFlags) path() string {
	if o.Upstream != "" {
		return "/"
	}
	return stack.AgentPath
}

// print prints where everything is, and lines to try.
func (c *upCommand) print(s *stack.Stack, authz, playground string, out io.Writer) {
	fmt.Fprintf(out, "\nReady. Try, in another terminal:\n\n")
	program := self()
	for _, t := range tries {
		fmt.Fprintf(out, "# %s\n%s\n\n", c.heading(t), t.line(program, s.Issuer.URL, s.URL, c.path()))
	}
	if says, shown := c.past(); shown {
		fmt.Fprintf(out, "# %s\n%s\n\n", says, try{forged: true}.line(program, s.Issuer.URL, "http://"+s.Agent, c.path()))
	}
	c.printTools(s, program, typed(authz), out)
	fmt.Fprintf(out, "Playground:   %s  (requests, decisions and settings, in a browser)\n", playground)
	fmt.Fprintf(out, "More tokens:  %s token --help (audience %s, organizations %s)\n",
		program, kindetest.Audience, strings.ReplaceAll(stack.AllowedOrgs, ",", " and "))
	if c.samples() {
		fmt.Fprintf(out, "MCP server:   %s%s, for clients with any client ID%s\n", s.URL, agent.MCPPath, asking(s.Issuer))
	}
	if c.Upstream != "" {
		fmt.Fprintf(out, "Upstream:     %s, %s\n", c.Upstream, assertions(s))
	}
	fmt.Fprintf(out, "Envoy:        %s, admin %s, access log in %s\n", s.URL, s.EnvoyAdmin, s.EnvoyLog.Path())
	fmt.Fprintf(out, "kinde-authz:  %s, admin %s, decisions in %s,\n              settings in %s\n", s.AuthzGRPC, s.AuthzAdmin, s.AuthzLog.Path(), s.Settings)
	fmt.Fprintf(out, "\nDenials are shown here, one a line. Ctrl-C stops everything.\n\n")
}

// printTools prints the lines that look closer, with the settings of the service.
func (c *upCommand) printTools(s *stack.Stack, program, authz string, out io.Writer) {
	flags := "--config " + process.Quoted(s.Settings) + " --address " + s.AuthzGRPC
	token := stack.TokenCommand(&kindetest.TokenRequest{}, program, s.Issuer.URL)
	fmt.Fprintf(out, "# explain: what a request gets, and why\n%s | %s explain %s --path %s\n\n", token, authz, flags, c.path())
	fmt.Fprintf(out, "# doctor: what is wrong with all of this\n%s doctor %s --envoy-admin %s\n\n", authz, flags, s.EnvoyAdmin)
}

// assertions is what an upstream needs to verify them.
func assertions(s *stack.Stack) string {
	if s.AssertionAudience == "" {
		return "without assertions: the settings have none"
	}
	return "which verifies assertions with\n              ASSERTION_JWKS=" + s.AuthzAdmin + "/jwks ASSERTION_AUDIENCE=" + process.Quoted(s.AssertionAudience)
}

// asking is what an MCP client must add to its login, if anything.
func asking(issuer *kindetest.Issuer) string {
	if issuer.ResourceIndicators {
		return ""
	}
	return " that log in with audience=" + kindetest.Audience
}

// self is this program, for a shell.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return "bin/kinde-dev"
	}
	return typed(path)
}

// typed is a program as one types it here, for a shell.
func typed(path string) string {
	if dir, err := os.Getwd(); err == nil {
		if short, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(short) && strings.Contains(short, "/") {
			path = short
		}
	}
	return process.Quoted(path)
}

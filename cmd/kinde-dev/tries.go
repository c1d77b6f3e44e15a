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
	says   string                  // the status, and for whom
	token  *kindetest.TokenRequest // nil sends none
	forged bool                    // sends a user's ID
	past   bool                    // goes to the agent, past Envoy
}

// tries are what up prints. A quote in a text would open a string in a shell
// that it is pasted into.
var tries = []try{
	{says: "200: a user, and the identity that the agent was given", token: &kindetest.TokenRequest{}},
	{says: "200: a machine", token: &kindetest.TokenRequest{Actor: "system"}},
	{says: "200: a user with a forged header, which does not arrive", token: &kindetest.TokenRequest{}, forged: true},
	{says: "401: no token"},
	{says: "401: an expired token", token: &kindetest.TokenRequest{Broken: "expired"}},
	{says: "401: an ID token", token: &kindetest.TokenRequest{Broken: "id-token"}},
	{says: "401: a token for another API", token: &kindetest.TokenRequest{Broken: "wrong-audience"}},
	{says: "403: a user of another organization", token: &kindetest.TokenRequest{Org: "org_other"}},
	{says: "401 of the agent: past Envoy, where nobody signs the identity", forged: true, past: true},
}

// line is the request as a shell takes it.
func (t try) line(program, issuer, url, agent string) string {
	request := stack.Request{Token: t.token, Method: http.MethodGet, Path: stack.AgentPath}
	if t.forged {
		request.Headers = []stack.Header{{Name: "x-kinde-user-id", Value: "kp_admin"}}
	}
	if t.past {
		url = agent
	}
	return request.Curl(program, issuer, url)
}

// printStack prints where everything is and requests to try.
func printStack(s *stack.Stack, playground string, out io.Writer) {
	fmt.Fprintf(out, "\nReady. Try, in another terminal:\n\n")
	program := self()
	for _, t := range tries {
		fmt.Fprintf(out, "# %s\n%s\n\n", t.says, t.line(program, s.Issuer.URL, s.URL, "http://"+s.Agent))
	}
	fmt.Fprintf(out, "Playground:   %s  (requests, decisions and settings, in a browser)\n", playground)
	fmt.Fprintf(out, "More tokens:  %s token --help (audience %s, organizations %s)\n",
		program, kindetest.Audience, strings.ReplaceAll(stack.AllowedOrgs, ",", " and "))
	fmt.Fprintf(out, "MCP server:   %s%s, for clients with any client ID%s\n", s.URL, agent.MCPPath, asking(s.Issuer))
	fmt.Fprintf(out, "Envoy:        %s, admin %s, access log in %s\n", s.URL, s.EnvoyAdmin, s.EnvoyLog.Path())
	fmt.Fprintf(out, "kinde-authz:  %s, admin %s, decisions in %s,\n              settings in %s\n", s.AuthzGRPC, s.AuthzAdmin, s.AuthzLog.Path(), s.Settings)
	fmt.Fprintf(out, "\nDenials are shown here, one a line. Ctrl-C stops everything.\n\n")
}

// asking is what an MCP client must add to its login, if anything.
func asking(issuer *kindetest.Issuer) string {
	if issuer.ResourceIndicators {
		return ""
	}
	return " that log in with audience=" + kindetest.Audience
}

// self is this program as one types it here, for a shell.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return "bin/kinde-dev"
	}
	if dir, err := os.Getwd(); err == nil {
		if short, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(short) && strings.Contains(short, "/") {
			path = short
		}
	}
	return process.Quoted(path)
}

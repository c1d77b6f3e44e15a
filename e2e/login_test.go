package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// discoverable is a stack whose MCP server is a resource. Its issuer asks who logs in.
func discoverable(t *testing.T, resourceIndicators bool) *stack.Stack {
	t.Helper()
	return guarded(t, func(c *stack.Config) {
		c.Discoverable, c.LoginPage, c.ResourceIndicators = true, true, resourceIndicators
	})
}

// requests are those that a client sent, each with its status.
type requests struct {
	mu   sync.Mutex
	list []string
}

func (r *requests) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.list = append(r.list, fmt.Sprintf("%s %s %d", request.Method, request.URL.Path, response.StatusCode))
	}
	return response, err
}

func (r *requests) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.list...)
}

// person logs in as the page of the issuer asks for, with these permissions. Parameters
// are what the application was told to add to its authorization request.
func person(permissions string, parameters url.Values) auth.AuthorizationCodeFetcher {
	return func(ctx context.Context, asked *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
		form := url.Values{"user": {"kp_ada"}, "org": {kindetest.Org}, "permissions": {permissions}}
		address := asked.URL
		if parameters != nil {
			address += "&" + parameters.Encode()
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
		if err != nil {
			return nil, err
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		back, err := response.Location()
		if err != nil {
			return nil, err
		}
		if code := back.Query().Get("error"); code != "" {
			return nil, errors.New(code)
		}
		return &auth.AuthorizationResult{Code: back.Query().Get("code"), State: back.Query().Get("state")}, nil
	}
}

// connected connects a client that knows nothing but the address of the server and its
// own client ID.
func connected(t *testing.T, s *stack.Stack, who auth.AuthorizationCodeFetcher) (*mcp.ClientSession, *requests, error) {
	t.Helper()
	sent := &requests{}
	client := &http.Client{Transport: sent}
	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		PreregisteredClient: &oauthex.ClientCredentials{ClientID: "weather-client"},
		RedirectURL:         "http://127.0.0.1:8765/callback", AuthorizationCodeFetcher: who, Client: client,
	})
	if err != nil {
		t.Fatal(err)
	}
	session, err := mcp.NewClient(&mcp.Implementation{Name: "e2e", Version: "1"}, nil).Connect(t.Context(),
		&mcp.StreamableClientTransport{
			Endpoint: s.URL + agent.MCPPath, HTTPClient: client, OAuthHandler: handler, DisableStandaloneSSE: true,
		}, nil)
	if err == nil {
		t.Cleanup(func() { session.Close() })
	}
	return session, sent, err
}

// called calls a tool and returns what it says.
func called(t *testing.T, session *mcp.ClientSession, name string, arguments map[string]any) (string, error) {
	t.Helper()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: arguments})
	if err != nil {
		return "", err
	}
	return result.Content[0].(*mcp.TextContent).Text, nil
}

// login is the way of a client from the first answer to the token.
var login = []string{
	"POST " + agent.MCPPath + " 401", "GET /.well-known/oauth-protected-resource" + agent.MCPPath + " 200",
	"GET /.well-known/oauth-authorization-server 404", "GET /.well-known/openid-configuration 200",
	"POST /oauth2/token 200",
}

// A client of the official SDK that has no token finds the issuer, has a person log in,
// and calls tools. Where the issuer is as Kinde documents itself, the client must add
// audience=; where it knows resource= (RFC 8707), nothing.
func TestAnSDKClientLogsIn(t *testing.T) {
	for name, row := range map[string]struct {
		resourceIndicators bool
		parameters         url.Values
	}{
		"with audience=": {false, url.Values{"audience": {kindetest.Audience}}},
		"with resource=": {true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := discoverable(t, row.resourceIndicators)
			session, sent, err := connected(t, s, person("", row.parameters))
			if err != nil {
				t.Fatalf("%v after %q", err, sent.all())
			}
			if got := sent.all(); len(got) < len(login) || !cmp.Equal(got[:len(login)], login) {
				t.Errorf("it asked %q", got)
			}
			said, err := called(t, session, "get_forecast", map[string]any{"city": "Lisbon"})
			if err != nil || said != "It will be sunny in Lisbon, kp_ada." {
				t.Errorf("get_forecast: %q %v", said, err)
			}
			said, err = called(t, session, "delete_station", map[string]any{"station": "s1"})
			if err == nil {
				t.Errorf("delete_station: %q", said)
			}
			wantDenied(t, s, "missing_permission")

			session, sent, err = connected(t, s, person("stations:delete", row.parameters))
			if err != nil {
				t.Fatalf("%v after %q", err, sent.all())
			}
			said, err = called(t, session, "delete_station", map[string]any{"station": "s1"})
			if err != nil || said != "The station s1 was removed for kp_ada." {
				t.Errorf("delete_station, with its permission: %q %v", said, err)
			}
			t.Logf("it asked\n%s", strings.Join(sent.all(), "\n"))
		})
	}
}

// A client whose token lacks a scope asks for it, when a tool needs it, and calls again.
func TestAnSDKClientAsksForAScopeMore(t *testing.T) {
	s := guarded(t, func(c *stack.Config) {
		c.Discoverable, c.LoginPage = true, true
		c.Settings = strings.Replace(c.Settings, "permissions: [stations:delete]", "scopes: [stations:delete]", 1)
	})
	session, sent, err := connected(t, s, person("", url.Values{"audience": {kindetest.Audience}}))
	if err != nil {
		t.Fatalf("%v after %q", err, sent.all())
	}
	before := len(sent.all())
	said, err := called(t, session, "delete_station", map[string]any{"station": "s1"})
	if err != nil || said != "The station s1 was removed for kp_ada." {
		t.Errorf("delete_station: %q %v", said, err)
	}
	want := append(slices.Clone(login), "POST "+agent.MCPPath+" 200")
	want[0] = "POST " + agent.MCPPath + " 403"
	if diff := cmp.Diff(want, sent.all()[before:]); diff != "" {
		t.Errorf("(-want +asked)\n%s", diff)
	}
	wantDenied(t, s, "insufficient_scope")
}

// What Kinde does not document ends in the reason whose hint says what to add.
func TestALoginWithoutAnAudienceSaysWhatIsMissing(t *testing.T) {
	s := discoverable(t, false)
	_, sent, err := connected(t, s, person("", nil))
	if err == nil {
		t.Errorf("connected after %q", sent.all())
	}
	got, want := sent.all(), append(slices.Clone(login), login[0])
	if len(got) < len(want) || !cmp.Equal(got[:len(want)], want) || slices.Contains(got, "POST "+agent.MCPPath+" 200") {
		t.Errorf("it asked %q", got)
	}
	wantDenied(t, s, "empty_audience", "request it with audience=")
}

// The doctor says of the same stack what the client runs into.
func TestDoctorFollowsALogin(t *testing.T) {
	s := discoverable(t, false)
	server := s.URL + agent.MCPPath
	doctor := func(server string) (code int, lines []string) {
		code, out := tool(t, "", "doctor", "--insecure-http", "--config", s.Settings, "--domain", s.Issuer.URL,
			"--audience", kindetest.Audience, "--allowed-orgs", stack.AllowedOrgs, "--address", s.AuthzGRPC, "--mcp", server)
		for line := range strings.Lines(out) {
			if outcome, text, found := strings.Cut(line, " mcp "+server+": "); found {
				lines = append(lines, strings.TrimSpace(outcome)+": "+strings.TrimSpace(text))
			}
		}
		return code, lines
	}
	document := s.URL + "/.well-known/oauth-protected-resource" + agent.MCPPath
	want := []string{
		fmt.Sprintf("ok: its 401 names the document %q", document),
		fmt.Sprintf("ok: the document is that of this address, and names the issuer %q", s.Issuer.URL),
		"ok: a client in a browser can read the document and the challenge",
		fmt.Sprintf("ok: the issuer's metadata are at %q", s.Issuer.URL+"/.well-known/openid-configuration"),
		"ok: the issuer says that it knows PKCE with S256",
		"warning: the issuer lets no client register itself, so one that comes with no client ID cannot log in",
		fmt.Sprintf("warning: it accepts tokens for %s, %s, and clients ask with resource=%s: "+
			"Kinde documents audience= alone, and a token that was asked for without it is for no API (empty_audience)",
			kindetest.Audience, server, server),
		"ok: clients need to ask for no scope",
		"warning: an MCP client can log in only where what is warned of above was seen to",
	}
	code, got := doctor(server)
	if diff := cmp.Diff(want, got); diff != "" || code != 0 {
		t.Errorf("exit code %d (-want +got)\n%s", code, diff)
	}
	code, got = doctor(s.URL + "/api/agents/weather")
	want = []string{"failed: its challenge names no document (resource_metadata)", "failed: no MCP client can log in"}
	if diff := cmp.Diff(want, got); diff != "" || code != 1 {
		t.Errorf("of no resource: exit code %d (-want +got)\n%s", code, diff)
	}
}

// wantDenied waits for the line of a denial.
func wantDenied(t *testing.T, s *stack.Stack, reason string, also ...string) {
	t.Helper()
	until(t, s.Authz, "the line of "+reason, func() bool {
		for line := range strings.Lines(s.AuthzLog.String()) {
			if !strings.Contains(line, `"reason":"`+reason+`"`) {
				continue
			}
			for _, text := range also {
				if !strings.Contains(line, text) {
					t.Errorf("%q is not in %s", text, line)
				}
			}
			return true
		}
		return false
	})
}

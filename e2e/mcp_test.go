package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// toolCall is a message that calls a tool of the sample agent.
func toolCall(name string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,`+
		`"arguments":{"city":"Lisbon","station":"s1"}}}`, name)
}

// get and remove are calls of the two tools.
var (
	get    = strings.Replace(toolCall("get_forecast"), `,"station":"s1"`, "", 1)
	remove = strings.Replace(toolCall("delete_station"), `"city":"Lisbon",`, "", 1)
)

// inUTF7 calls delete_station where it is read as UTF-7, of which body-parser of Express
// is capable.
const inUTF7 = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_forecast","_meta":{"x":"+ACIAfQ-,` +
	`+ACI-name+ACI-:+ACI-delete+AF8-station+ACI-,+ACI-arguments+ACI-:+AHsAIg-station+ACI-:+ACI-s1+ACIAfQ-,` +
	`+ACI-y+ACI-:+AHsAIg-z+ACI-:+ACI-"}}}`

// padded is the call that reads, with spaces behind it up to so many bytes.
func padded(size int) string { return get + strings.Repeat(" ", size-len(get)) }

// guarded is a stack with the sample settings of kinde-dev up, changed like that.
func guarded(t *testing.T, change func(*stack.Config), edits ...edit) *stack.Stack {
	t.Helper()
	return own(t, func(c *stack.Config) {
		c.Settings = stack.SampleSettings
		if edits != nil {
			c.EnvoyConfig = edited(t, edits...)
		}
		if change != nil {
			change(c)
		}
	})
}

// post sends a message to the MCP server, with headers as for send, and returns what
// the server said too.
func post(
	t *testing.T, client *http.Client, s *stack.Stack, token string, body io.Reader, headers ...string,
) (answer, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+agent.MCPPath, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, text/event-stream")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Content-Type" {
			request.Header.Del(name)
		}
		request.Header.Add(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	response.Body = io.NopCloser(io.TeeReader(response.Body, &said))
	return read(t, response), said.String()
}

func mint(t *testing.T, s *stack.Stack, r kindetest.TokenRequest) string {
	t.Helper()
	token, err := s.Issuer.Mint(r)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestForbiddenToolsAreNotCalled(t *testing.T) {
	s := guarded(t, nil)
	token := mint(t, s, kindetest.TokenRequest{})
	deleter := mint(t, s, kindetest.TokenRequest{Permissions: []string{"stations:delete"}})
	in := func(own, instead string) string { return strings.Replace(get, own, instead, 1) }
	for name, row := range map[string]struct {
		token, body string
		headers     []string
		status      int
		reason      string
	}{
		"Y3 a tool that reads":             {token, get, nil, 200, ""},
		"Y3 a tool that deletes":           {token, remove, nil, 403, "missing_permission"},
		"Y3 the same, with its permission": {deleter, remove, nil, 200, ""},
		"Y3 a tool that no entry is for":   {deleter, toolCall("sudo"), nil, 403, "tool_not_allowed"},
		"Y4 a batch":                       {token, "[" + get + "," + remove + "]", nil, 400, "mcp_unreadable"},
		"Y4 a name twice": {
			token, in(`"arguments"`, `"name":"delete_station","arguments"`), nil, 400, "mcp_unreadable",
		},
		"Y4 a name in another case": {
			token, in(`"arguments"`, `"Name":"delete_station","arguments"`), nil, 400, "mcp_unreadable",
		},
		"Y4 a method in another case": {token, in(`"method"`, `"METHOD"`), nil, 400, "mcp_unreadable"},
		"Y4 params with a long s": {
			token, in(`"id"`, `"paramſ":{"name":"delete_station"},"id"`), nil, 400, "mcp_unreadable",
		},
		"Y4 half a body":   {token, get[:len(get)/2], nil, 400, "mcp_unreadable"},
		"Y4 no body":       {token, "", nil, 400, "mcp_unreadable"},
		"Y4 invalid UTF-8": {token, in("Lisbon", "Lis\xffbon"), nil, 400, "mcp_unreadable"},
		"Y4 nested 10,000 deep": {
			token, in(`"Lisbon"`, strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000)), nil, 400, "mcp_unreadable",
		},
		"Y4 128 KiB":           {token, padded(128 << 10), nil, 200, ""},
		"Y4 more than 128 KiB": {token, padded(129 << 10), nil, 413, ""},
		"Y4 1 MiB":             {token, padded(1 << 20), nil, 413, ""},
		"Y5 headers that say the same": {
			token, get, []string{"Mcp-Method: tools/call", "Mcp-Name: get_forecast"}, 200, "",
		},
		"Y5 a header that names a tool that may be called": {
			token, remove, []string{"Mcp-Name: get_forecast"}, 400, "mcp_unreadable",
		},
		"Y5 a header that names another method": {token, remove, []string{"Mcp-Method: tools/list"}, 400, "mcp_unreadable"},
		"Y5 a header twice": {
			token, get, []string{"Mcp-Name: get_forecast", "Mcp-Name: get_forecast"}, 400, "mcp_unreadable",
		},
		"Y5 a client that says what Envoy says": {
			token, remove, []string{"X-Envoy-Auth-Partial-Body: false"}, 403, "missing_permission",
		},
		"Y7 no token, and no message": {"", "[", nil, 401, "missing_token"},
		"Y9 JSON in UTF-8, and said to be so": {
			token, get, []string{"Content-Type: application/json; charset=UTF-8"}, 200, "",
		},
		"Y9 another tool in UTF-7": {
			token, inUTF7, []string{"Content-Type: application/json; charset=utf-7"}, 400, "mcp_unreadable",
		},
		"Y9 a form": {
			token, in("Lisbon", "&method=tools/call&params[name]=delete_station&"),
			[]string{"Content-Type: application/x-www-form-urlencoded; a=application/json"}, 400, "mcp_unreadable",
		},
		"Y9 a body that is to be decoded": {token, get, []string{"Content-Encoding: gzip"}, 400, "mcp_unreadable"},
	} {
		for protocol, client := range protocols {
			for way, body := range map[string]io.Reader{
				"whole": strings.NewReader(row.body), "in chunks": io.MultiReader(strings.NewReader(row.body)),
			} {
				if row.body == "" && way == "in chunks" {
					continue
				}
				got, said := post(t, client, s, row.token, body, row.headers...)
				if row.status == 413 && got.Reason == "mcp_unreadable" {
					continue // over HTTP/2 Envoy sends on a little more than it was told
				}
				if got.status != row.status || row.reason != "" && got.Reason != row.reason {
					t.Errorf("%s, %s over %s: got %d %s, want %d %s", name, way, protocol, got.status, said, row.status, row.reason)
				}
				if strings.Contains(said, "isError") || strings.Contains(said, "jsonrpc") != (row.status == 200) {
					t.Errorf("%s, %s over %s: the server said %s", name, way, protocol, said)
				}
			}
		}
	}
}

// Bodies of other routes are not held back: they may be longer, and no check waits for
// them.
func TestOtherRoutesSendNoBody(t *testing.T) {
	s := guarded(t, nil)
	response, err := http.Post(s.URL+"/api/agents/weather", "text/plain", strings.NewReader(strings.Repeat("x", 1<<20)))
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, response); got.status != 401 {
		t.Errorf("without a token: %d %s", got.status, got.Reason)
	}
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/agents/weather",
		strings.NewReader(strings.Repeat("x", 1<<20)))
	request.Header.Set("Authorization", "Bearer "+mint(t, s, kindetest.TokenRequest{}))
	if response, err = http.DefaultClient.Do(request); err != nil {
		t.Fatal(err)
	}
	if got := read(t, response); got.status != 200 {
		t.Errorf("1 MiB: %d %s", got.status, got.Reason)
	}
}

// Attack Y4: an Envoy that sends no whole body as bytes lets no message pass.
func TestAnEnvoyThatSendsNoWholeBodyDeniesEveryMessage(t *testing.T) {
	const (
		sent   = "with_request_body: {max_request_bytes: 131072, allow_partial_message: false, pack_as_bytes: true}\n"
		filter = "              " + sent + "              # Only what"
		route  = "                    check_settings:\n                      " + sent
	)
	for name, row := range map[string]struct {
		changes      []edit
		body, detail string
	}{
		"text": {[]edit{{filter, strings.Replace(filter, "as_bytes: true", "as_bytes: false", 1)}}, get, "the body as text"},
		"no body": {
			[]edit{{route, "                    check_settings: {disable_request_body_buffering: true}\n"}},
			get, "no body as bytes",
		},
		"partial body": {
			[]edit{{route, strings.Replace(route, "131072, allow_partial_message: false",
				"64, allow_partial_message: true", 1)}},
			get, "a part of the body",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := guarded(t, nil, row.changes...)
			got, said := post(t, http.DefaultClient, s, mint(t, s, kindetest.TokenRequest{}), strings.NewReader(row.body))
			if got.status != 400 || got.Reason != "mcp_unreadable" {
				t.Errorf("%d %s", got.status, said)
			}
			until(t, s.Authz, "its line", func() bool { return strings.Contains(s.AuthzLog.String(), row.detail) })
		})
	}
}

// Envoy's own filter says what is called, where the settings believe it, and the body
// goes on as it came. An Envoy without that filter, or that cannot refuse repeated names,
// does not start.
func TestEnvoysMetadataAreEnough(t *testing.T) {
	const cors = "          - name: envoy.filters.http.ext_authz\n            typed_config:\n"
	edits := []edit{
		{cors, indented(blocksOf(t, "docs/mcp.md", "yaml")[1], 10) + cors},
		{"              max_denied_response_body_bytes: 32768\n",
			"              max_denied_response_body_bytes: 32768\n" +
				"              metadata_context_namespaces: [envoy.filters.http.mcp]\n"},
		{"                    check_settings:\n                      with_request_body: " +
			"{max_request_bytes: 131072, allow_partial_message: false, pack_as_bytes: true}\n",
			"                    check_settings: {disable_request_body_buffering: true}\n"},
	}
	if minor := envoyMinor(t); minor < 39 {
		config := programs
		config.EnvoyConfig = edited(t, edits...)
		s, err := stack.Start(t.Context(), config)
		if err == nil {
			s.Stop()
			t.Fatalf("Envoy 1.%d starts with a filter that docs/mcp.md says came with 1.39", minor)
		}
		if !strings.Contains(err.Error(), "envoy.extensions.filters.http.mcp.v3.Mcp") {
			t.Error(err)
		}
		return
	}
	s := guarded(t, func(c *stack.Config) {
		c.Settings = strings.Replace(stack.SampleSettings, "mcp: {", "mcp: {envoy_metadata: true, ", 1)
	}, edits...)
	token := mint(t, s, kindetest.TokenRequest{})
	for body, want := range map[string]string{
		get: "200 ", remove: "403 missing_permission", toolCall("sudo"): "403 tool_not_allowed",
		"[" + get + "]": "400 mcp_unreadable", get[:50]: "400 ",
		strings.Replace(get, `"arguments"`, `"name":"delete_station","arguments"`, 1): "400 ",
	} {
		got, said := post(t, http.DefaultClient, s, token, strings.NewReader(body))
		if status := fmt.Sprintf("%d %s", got.status, got.Reason); !strings.HasPrefix(status, want) ||
			got.status != 200 && strings.Contains(said, "sunny") {
			t.Errorf("%s: got %s %s, want %s", body, status, said, want)
		}
	}
}

// envoyMinor is the second number of the version of the Envoy that is tested.
func envoyMinor(t *testing.T) (minor int) {
	t.Helper()
	said, err := exec.CommandContext(t.Context(), programs.Envoy, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, version, _ := strings.Cut(string(said), "/1.")
	if _, err := fmt.Sscanf(version, "%d.", &minor); err != nil {
		t.Fatalf("%s: %v", said, err)
	}
	return minor
}

// withToken sends a token with each request.
type withToken string

func (w withToken) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(w))
	return http.DefaultTransport.RoundTrip(r)
}

// A client of the official SDK lists the tools, calls one, and is told why it may not
// call the other.
func TestAnSDKClientCallsTools(t *testing.T) {
	s := guarded(t, nil)
	client := mcp.NewClient(&mcp.Implementation{Name: "e2e", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{
		Endpoint: s.URL + agent.MCPPath, HTTPClient: &http.Client{Transport: withToken(mint(t, s, kindetest.TokenRequest{}))},
		DisableStandaloneSSE: true,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	tools, err := session.ListTools(t.Context(), nil)
	if err != nil || len(tools.Tools) != 2 {
		t.Fatalf("%v %v", tools, err)
	}
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{
		Name: "get_forecast", Arguments: map[string]any{"city": "Lisbon"},
	})
	if err != nil || result.IsError ||
		!strings.Contains(result.Content[0].(*mcp.TextContent).Text, kindetest.UserID) {
		t.Errorf("%+v %v", result, err)
	}
	result, err = session.CallTool(t.Context(), &mcp.CallToolParams{
		Name: "delete_station", Arguments: map[string]any{"station": "s1"},
	})
	if err == nil {
		t.Errorf("the station was deleted: %+v", result)
	}
	until(t, s.Authz, "its line", func() bool {
		return strings.Contains(s.AuthzLog.String(), `"mcp_method":"tools/call","mcp_tool":"delete_station"`)
	})
}

// A page of another origin finds out how to log in: it may read the answer without a
// token, ask whether it may read the document, and read that.
func TestBrowsersOfOtherOriginsFindTheIssuer(t *testing.T) {
	s := guarded(t, func(c *stack.Config) {
		c.Settings += "resources:\n" +
			"  - {identifier: https://api.example.com/mcp/weather, audience: [https://weather.example.com]}\n"
	})
	const origin, document = "Origin: http://localhost:6274", "/.well-known/oauth-protected-resource/mcp/weather"
	denied, _ := post(t, http.DefaultClient, s, "", strings.NewReader("{}"), origin)
	if denied.Reason != "missing_token" || denied.header.Get("Access-Control-Allow-Origin") != "*" ||
		denied.header.Get("Access-Control-Expose-Headers") != "WWW-Authenticate" ||
		!strings.Contains(denied.header.Get("WWW-Authenticate"), `resource_metadata="https://api.example.com`+document+`"`) {
		t.Errorf("%d %v", denied.status, denied.header)
	}
	asked := sendRaw(t, s, "OPTIONS "+document+" HTTP/1.1", "Host: api.example.com", origin,
		"Access-Control-Request-Method: GET", "Access-Control-Request-Headers: mcp-protocol-version")
	if asked.status != 204 || asked.header.Get("Access-Control-Allow-Origin") != "*" ||
		asked.header.Get("Access-Control-Allow-Headers") != "*" {
		t.Errorf("preflight: %d %v", asked.status, asked.header)
	}
	got := send(t, http.DefaultClient, s.URL+document, "", origin)
	if got.status != 200 || got.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("document: %d %v", got.status, got.header)
	}
	elsewhere := mint(t, s, kindetest.TokenRequest{})
	if got, said := post(t, http.DefaultClient, s, elsewhere, strings.NewReader(get)); got.Reason != "wrong_audience" {
		t.Errorf("a token for another API: %d %s", got.status, said)
	}
	here := mint(t, s, kindetest.TokenRequest{Audience: []string{"https://weather.example.com"}})
	if got, said := post(t, http.DefaultClient, s, here, strings.NewReader(get)); got.status != 200 {
		t.Errorf("a token for this one: %d %s", got.status, said)
	}
	if got := send(t, http.DefaultClient, s.URL+"/api/agents/weather", here); got.Reason != "wrong_audience" {
		t.Errorf("the same elsewhere: %d %s", got.status, got.Reason)
	}
}

// What goes over a WebSocket is read by nobody, so none is opened to an MCP server.
func TestNoWebSocketLeadsToAnMCPServer(t *testing.T) {
	s := guarded(t, nil)
	token := mint(t, s, kindetest.TokenRequest{})
	got := sendRaw(t, s, "GET "+agent.MCPPath+" HTTP/1.1", "Host: api.example.com", "Authorization: Bearer "+token,
		"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")
	if got.status != http.StatusForbidden || got.DecisionID != "" { // Envoy refuses it itself
		t.Errorf("%d %s", got.status, got.Reason)
	}
}

package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// Scene is one request through the stack and how it should end.
type Scene struct {
	Name    string
	Token   *kindetest.TokenRequest // nil sends none
	Headers map[string]string
	Message string // to the MCP server; empty asks the agent

	Status int
	Reason string // of a denial
	// identity is some of what the agent sees; an empty value is a header
	// that must not arrive.
	identity map[string]string
}

// Scenes are what the README tells.
var Scenes = []Scene{
	{
		Name: "a user of an allowed organization", Token: &kindetest.TokenRequest{}, Status: http.StatusOK,
		identity: map[string]string{"x-kinde-actor": "user", "x-kinde-user-id": kindetest.UserID, "x-kinde-org-code": kindetest.Org},
	},
	{
		Name: "a machine", Token: &kindetest.TokenRequest{Actor: "system"}, Status: http.StatusOK,
		identity: map[string]string{"x-kinde-actor": "system", "x-kinde-client-id": kindetest.MachineID, "x-kinde-user-id": ""},
	},
	{
		Name: "a user with forged identity headers", Token: &kindetest.TokenRequest{}, Status: http.StatusOK,
		Headers:  map[string]string{"X-Kinde-User-Id": "kp_admin", "x-kinde-superuser": "yes"},
		identity: map[string]string{"x-kinde-user-id": kindetest.UserID, "x-kinde-superuser": ""},
	},
	{
		Name: "a machine with a forged user", Token: &kindetest.TokenRequest{Actor: "system"}, Status: http.StatusOK,
		Headers:  map[string]string{"x-kinde-user-id": "kp_admin"},
		identity: map[string]string{"x-kinde-actor": "system", "x-kinde-user-id": ""},
	},
	{Name: "no token", Status: http.StatusUnauthorized, Reason: "missing_token"},
	{Name: "an expired token", Token: broken("expired"), Status: http.StatusUnauthorized, Reason: "token_expired"},
	{Name: "a token for another API", Token: broken("wrong-audience"), Status: http.StatusUnauthorized, Reason: "wrong_audience"},
	{Name: "a default token, bound to no API", Token: broken("empty-audience"), Status: http.StatusUnauthorized, Reason: "empty_audience"},
	{Name: "a forged signature", Token: broken("bad-signature"), Status: http.StatusUnauthorized, Reason: "bad_signature"},
	{Name: "an ID token", Token: broken("id-token"), Status: http.StatusUnauthorized, Reason: "not_an_access_token"},
	{Name: "another organization", Token: broken("other-org"), Status: http.StatusForbidden, Reason: "org_not_allowed"},
	{Name: "no organization", Token: broken("no-org"), Status: http.StatusForbidden, Reason: "org_missing"},
	{Name: "neither user nor machine", Token: broken("no-actor"), Status: http.StatusForbidden, Reason: "unknown_actor"},
	{Name: "an MCP tool that reads", Token: &kindetest.TokenRequest{}, Message: toolCall("get_forecast"), Status: http.StatusOK},
	{
		Name: "an MCP tool that deletes", Token: &kindetest.TokenRequest{}, Message: toolCall("delete_station"),
		Status: http.StatusForbidden, Reason: "missing_permission",
	},
	{
		Name: "the same, with its permission", Token: &kindetest.TokenRequest{Permissions: []string{"stations:delete"}},
		Message: toolCall("delete_station"), Status: http.StatusOK,
	},
	{
		Name: "an MCP tool that no rule names", Token: &kindetest.TokenRequest{}, Message: toolCall("sudo"),
		Status: http.StatusForbidden, Reason: "tool_not_allowed",
	},
	{
		Name: "two MCP messages in one", Token: &kindetest.TokenRequest{}, Status: http.StatusBadRequest, Reason: "mcp_unreadable",
		Message: "[" + toolCall("get_forecast") + "," + toolCall("delete_station") + "]",
	},
}

// toolCall is a message that calls a tool of the agent.
func toolCall(name string) string {
	arguments := `{"city":"Lisbon"}`
	if name != "get_forecast" {
		arguments = `{"station":"lis-1"}`
	}
	return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + name + `","arguments":` + arguments + `}}`
}

func broken(kind string) *kindetest.TokenRequest { return &kindetest.TokenRequest{Broken: kind} }

// Play sends every scene through the Envoy of the stack and prints a table. It fails
// when an answer is not the one wanted.
func (s *Stack) Play(ctx context.Context, out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SCENE\tWANT\tGOT\t")
	failed := 0
	for _, scene := range Scenes {
		got, ok := scene.play(ctx, s)
		verdict := "ok"
		if !ok {
			verdict = "FAILED"
			failed++
		}
		fmt.Fprintf(table, "%s\t%d %s\t%s\t%s\n", scene.Name, scene.Status, scene.Reason, got, verdict)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d scenes failed", failed, len(Scenes))
	}
	fmt.Fprintf(out, "\nAll %d scenes passed.\n", len(Scenes))
	return nil
}

// play sends the request, describes the answer and reports whether it is the
// one wanted.
func (c Scene) play(ctx context.Context, s *Stack) (got string, ok bool) {
	sent := c.Request()
	request, err := http.NewRequestWithContext(ctx, sent.Method, s.URL+sent.Path, strings.NewReader(sent.Body))
	if err != nil {
		return err.Error(), false
	}
	for _, h := range sent.Headers {
		request.Header.Set(h.Name, h.Value)
	}
	if c.Token != nil {
		token, err := s.Issuer.Mint(*c.Token)
		if err != nil {
			return err.Error(), false
		}
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error(), false
	}
	defer response.Body.Close()
	var answer struct {
		agent.Seen
		Reason string `json:"reason"`
		Result struct {
			Failed bool `json:"isError"`
		} `json:"result"`
		Error json.RawMessage `json:"error"` // of a denial, or of the MCP server
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 64<<10)).Decode(&answer); err != nil {
		return err.Error(), false
	}
	got = strings.TrimSpace(fmt.Sprintf("%d %s", response.StatusCode, answer.Reason))
	if response.StatusCode == http.StatusOK && (answer.Result.Failed || answer.Error != nil) {
		return got + ", the tool failed", false
	}
	if wrong := c.wrongIdentity(answer.Identity); wrong != "" {
		return got + ", the agent saw " + wrong, false
	}
	return got, response.StatusCode == c.Status && answer.Reason == c.Reason
}

// AgentPath is what the scenes ask the agent for.
const AgentPath = "/api/agents/weather"

// Request is what the scene sends.
func (c Scene) Request() Request {
	r := Request{Token: c.Token, Method: http.MethodGet, Path: AgentPath, Headers: []Header{}}
	if c.Message != "" {
		r.Method, r.Path, r.Body = http.MethodPost, agent.MCPPath, c.Message
		r.Headers = []Header{{"Accept", "application/json, text/event-stream"}, {"Content-Type", "application/json"}}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		r.Headers = append(r.Headers, Header{name, c.Headers[name]})
	}
	return r
}

// wrongIdentity describes a header that the agent got with a wrong value.
func (c Scene) wrongIdentity(seen map[string][]string) string {
	for name, want := range c.identity {
		if got := strings.Join(seen[name], " and "); got != want {
			return fmt.Sprintf("%s: %q", name, got)
		}
	}
	return ""
}

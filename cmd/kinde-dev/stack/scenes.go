package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// scene is one request through the stack and how it should end.
type scene struct {
	name    string
	token   *kindetest.TokenRequest // nil sends none
	headers map[string]string
	message string // to the MCP server; empty asks the agent

	status int
	reason string // of a denial
	// identity is some of what the agent sees; an empty value is a header
	// that must not arrive.
	identity map[string]string
}

// scenes are what the README tells.
var scenes = []scene{
	{
		name: "a user of an allowed organization", token: &kindetest.TokenRequest{}, status: http.StatusOK,
		identity: map[string]string{"x-kinde-actor": "user", "x-kinde-user-id": kindetest.UserID, "x-kinde-org-code": kindetest.Org},
	},
	{
		name: "a machine", token: &kindetest.TokenRequest{Actor: "system"}, status: http.StatusOK,
		identity: map[string]string{"x-kinde-actor": "system", "x-kinde-client-id": kindetest.MachineID, "x-kinde-user-id": ""},
	},
	{
		name: "a user with forged identity headers", token: &kindetest.TokenRequest{}, status: http.StatusOK,
		headers:  map[string]string{"X-Kinde-User-Id": "kp_admin", "x-kinde-superuser": "yes"},
		identity: map[string]string{"x-kinde-user-id": kindetest.UserID, "x-kinde-superuser": ""},
	},
	{
		name: "a machine with a forged user", token: &kindetest.TokenRequest{Actor: "system"}, status: http.StatusOK,
		headers:  map[string]string{"x-kinde-user-id": "kp_admin"},
		identity: map[string]string{"x-kinde-actor": "system", "x-kinde-user-id": ""},
	},
	{name: "no token", status: http.StatusUnauthorized, reason: "missing_token"},
	{name: "an expired token", token: broken("expired"), status: http.StatusUnauthorized, reason: "token_expired"},
	{name: "a token for another API", token: broken("wrong-audience"), status: http.StatusUnauthorized, reason: "wrong_audience"},
	{name: "a default token, bound to no API", token: broken("empty-audience"), status: http.StatusUnauthorized, reason: "empty_audience"},
	{name: "a forged signature", token: broken("bad-signature"), status: http.StatusUnauthorized, reason: "bad_signature"},
	{name: "an ID token", token: broken("id-token"), status: http.StatusUnauthorized, reason: "not_an_access_token"},
	{name: "another organization", token: broken("other-org"), status: http.StatusForbidden, reason: "org_not_allowed"},
	{name: "no organization", token: broken("no-org"), status: http.StatusForbidden, reason: "org_missing"},
	{name: "neither user nor machine", token: broken("no-actor"), status: http.StatusForbidden, reason: "unknown_actor"},
	{name: "an MCP tool that reads", token: &kindetest.TokenRequest{}, message: toolCall("get_forecast"), status: http.StatusOK},
	{
		name: "an MCP tool that deletes", token: &kindetest.TokenRequest{}, message: toolCall("delete_station"),
		status: http.StatusForbidden, reason: "missing_permission",
	},
	{
		name: "the same, with its permission", token: &kindetest.TokenRequest{Permissions: []string{"stations:delete"}},
		message: toolCall("delete_station"), status: http.StatusOK,
	},
	{
		name: "an MCP tool that no rule names", token: &kindetest.TokenRequest{}, message: toolCall("sudo"),
		status: http.StatusForbidden, reason: "tool_not_allowed",
	},
	{
		name: "two MCP messages in one", token: &kindetest.TokenRequest{}, status: http.StatusBadRequest, reason: "mcp_unreadable",
		message: "[" + toolCall("get_forecast") + "," + toolCall("delete_station") + "]",
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
	for _, scene := range scenes {
		got, ok := scene.play(ctx, s)
		verdict := "ok"
		if !ok {
			verdict = "FAILED"
			failed++
		}
		fmt.Fprintf(table, "%s\t%d %s\t%s\t%s\n", scene.name, scene.status, scene.reason, got, verdict)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d scenes failed", failed, len(scenes))
	}
	fmt.Fprintf(out, "\nAll %d scenes passed.\n", len(scenes))
	return nil
}

// play sends the request, describes the answer and reports whether it is the
// one wanted.
func (c scene) play(ctx context.Context, s *Stack) (got string, ok bool) {
	request, err := c.request(ctx, s)
	if err != nil {
		return err.Error(), false
	}
	for name, value := range c.headers {
		request.Header.Set(name, value)
	}
	if c.token != nil {
		token, err := s.Issuer.Mint(*c.token)
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
	return got, response.StatusCode == c.status && answer.Reason == c.reason
}

// request is what the scene sends, without the token.
func (c scene) request(ctx context.Context, s *Stack) (*http.Request, error) {
	if c.message == "" {
		return http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/agents/weather", nil)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+agent.MCPPath, strings.NewReader(c.message))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, text/event-stream")
	return request, nil
}

// wrongIdentity describes a header that the agent got with a wrong value.
func (c scene) wrongIdentity(seen map[string][]string) string {
	for name, want := range c.identity {
		if got := strings.Join(seen[name], " and "); got != want {
			return fmt.Sprintf("%s: %q", name, got)
		}
	}
	return ""
}

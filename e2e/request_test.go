package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
)

// answer is what came back through Envoy.
type answer struct {
	status int
	header http.Header
	agent.Seen
	Handler     string `json:"handler"` // with Org of the upstreams in upstream_test.go
	Org         string `json:"org"`
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Reason      string `json:"reason"`
	DecisionID  string `json:"decision_id"`
}

// protocols are the ways to talk to Envoy, with a client for each.
var protocols = map[string]*http.Client{"HTTP/1.1": newClient(false), "HTTP/2": newClient(true)}

func newClient(http2 bool) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetUnencryptedHTTP2(http2)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}

// send sends a request with headers in the form "name: value" and an optional
// token.
func send(t *testing.T, client *http.Client, url, token string, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header[name] = append(request.Header[name], value) // as it is spelt
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, response)
}

func read(t *testing.T, response *http.Response) answer {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: response.StatusCode, header: response.Header}
	if err := json.Unmarshal(body, &a); err != nil && len(body) > 0 {
		a.Reason = string(body) // Envoy's own words
	}
	return a
}

// sendRaw sends the lines of a request as they are, over HTTP/1.1.
func sendRaw(t *testing.T, s *stack.Stack, lines ...string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, response)
}

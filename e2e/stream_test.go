package e2e

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/coder/websocket"
)

// Attack V9: a WebSocket without a token.
func TestWebSocket(t *testing.T) {
	dial := func(token string) (*websocket.Conn, *http.Response, error) {
		header := http.Header{"X-Kinde-Actor": {"system"}}
		if token != "" {
			header.Set("Authorization", "Bearer "+token)
		}
		return websocket.Dial(t.Context(), shared.URL+"/ws", &websocket.DialOptions{HTTPHeader: header})
	}
	t.Run("passes when allowed", func(t *testing.T) {
		conn, _, err := dial(shared.Issuer.Token(shared.Issuer.UserClaims()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		if err := conn.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"user", "hello"} {
			_, got, err := conn.Read(t.Context())
			if err != nil || string(got) != want {
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		}
	})
	t.Run("is denied without a token", func(t *testing.T) {
		_, response, err := dial("")
		if err == nil || response == nil || response.StatusCode != 401 {
			t.Errorf("got %v, %v, want a 401", response, err)
		}
	})
}

// Attack V9: server-sent events without a token.
func TestServerSentEvents(t *testing.T) {
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, shared.URL+"/stream", nil)
	request.Header.Set("Authorization", "Bearer "+shared.Issuer.Token(shared.Issuer.MachineClaims()))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if want := "data: 0 system\n\ndata: 1 system\n\ndata: 2 system\n\n"; err != nil || string(body) != want {
		t.Errorf("got %q, %v, want %q", body, err, want)
	}
	assertDenied(t, send(t, protocols["HTTP/1.1"], shared.URL+"/stream", ""), 401, "missing_token")
}

// Attack V9: gRPC calls with tokens that are refused.
func TestGRPCClientGetsAStatus(t *testing.T) {
	for name, test := range map[string]struct{ kind, status string }{
		"unauthenticated": {"expired", "16"}, "permission denied": {"other-org", "7"},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := shared.Issuer.Broken(test.kind)
			if err != nil {
				t.Fatal(err)
			}
			request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, shared.URL+"/agent.Agent/Run",
				bytes.NewReader(make([]byte, 5)))
			request.Header = http.Header{
				"Content-Type":  {"application/grpc"},
				"Te":            {"trailers"},
				"Authorization": {"Bearer " + token},
			}
			response, err := protocols["HTTP/2"].Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if got := response.Header.Get("Grpc-Status"); response.StatusCode != 200 || got != test.status {
				t.Errorf("status %d, grpc-status %q, want 200 and %s", response.StatusCode, got, test.status)
			}
		})
	}
}

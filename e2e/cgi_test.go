package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// punctuation is what a header's name may hold beside letters and digits
// (RFC 9110, section 5.6.2).
const punctuation = "!#$%&'*+-.^_`|~"

// environment is what a program behind lighttpd, PHP or FastCGI gets of a
// request's headers (RFC 3875, section 4.1.18): names with every other byte
// folded into "_", the values of names that then are equal together.
func environment(r *http.Request) map[string]string {
	env := map[string]string{}
	for name, values := range r.Header {
		name = "HTTP_" + strings.Map(func(char rune) rune {
			if 'A' <= char && char <= 'Z' || '0' <= char && char <= '9' {
				return char
			}
			return '_'
		}, strings.ToUpper(name))
		if before, found := env[name]; found {
			values = append([]string{before}, values...)
		}
		env[name] = strings.Join(values, ",")
	}
	return env
}

// cgi starts an upstream that answers with its environment, and returns its
// address.
func cgi(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(serveEnvironment))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func serveEnvironment(w http.ResponseWriter, r *http.Request) {
	_ = json.NewEncoder(w).Encode(environment(r)) // the client has gone: nothing to tell it
}

// environmentAt sends a request with headers and returns the environment that
// the upstream saw, or nil where Envoy refused the request.
func environmentAt(
	t *testing.T, client *http.Client, s *stack.Stack, token string, header http.Header,
) map[string]string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := client.Do(request)
	if err != nil && strings.Contains(err.Error(), "stream error") {
		return nil // so Envoy refuses a request over HTTP/2
	}
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusBadRequest && response.Header.Get("Content-Type") != "application/json" {
		return nil
	}
	var env map[string]string
	if err := json.NewDecoder(response.Body).Decode(&env); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%v: status %d, %v %v", header, response.StatusCode, env, err)
	}
	return env
}

// Attack V2: whatever stands between the words of an identity header's name, a
// program that reads it as an identity header does not get it.
func TestNoSpellingOfIdentityReachesCGI(t *testing.T) {
	for name, test := range map[string]struct {
		config  string
		refused int // by Envoy: names with an underscore
	}{
		"with envoy.yaml as it is": {"../envoy.yaml", 29},
		"by the service alone":     {withoutStripping(t), 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := own(t, func(c *stack.Config) { c.EnvoyConfig, c.Upstream = test.config, cgi(t) })
			tokens := map[string]string{
				s.Issuer.Token(s.Issuer.UserClaims()):    kindetest.UserID,
				s.Issuer.Token(s.Issuer.MachineClaims()): "",
			}
			for protocol, client := range protocols {
				t.Run(protocol, func(t *testing.T) {
					for token, want := range tokens {
						sendSpellings(t, client, s, token, want, test.refused)
					}
				})
			}
		})
	}
}

// sendSpellings sends each spelling of x-kinde-user-id in a request of its own.
func sendSpellings(t *testing.T, client *http.Client, s *stack.Stack, token, want string, refused int) {
	t.Helper()
	sent, got := 0, 0
	for _, first := range punctuation {
		for _, second := range punctuation {
			name := "x" + string(first) + "kinde" + string(second) + "user" + string(first) + "id"
			env := environmentAt(t, client, s, token, http.Header{name: {"kp_admin"}})
			sent++
			if env == nil {
				got++
				continue
			}
			if user := env["HTTP_X_KINDE_USER_ID"]; user != want {
				t.Errorf("%s: the upstream sees user %q, want %q", name, user, want)
			}
		}
	}
	if sent != 225 || got != refused {
		t.Errorf("Envoy refused %d of %d, want %d of 225", got, sent, refused)
	}
}

// Attack V3: headers that change the method or the path after the decision are
// removed in every spelling.
func TestHeadersThatOverrideTheRequestDoNotArrive(t *testing.T) {
	s := own(t, func(c *stack.Config) { c.Upstream = cgi(t) })
	token := s.Issuer.Token(s.Issuer.UserClaims())
	for _, name := range []string{
		"x-http-method-override", "x-http-method", "x-method-override", "x-method",
		"x-original-url", "x-original-uri", "x-rewrite-url", "x-rewrite-uri",
		"x-forwarded-prefix", "x-script-name",
	} {
		for protocol, client := range protocols {
			t.Run(name+" over "+protocol, func(t *testing.T) {
				for _, separator := range strings.ReplaceAll(punctuation, "_", "") {
					spelling := strings.ReplaceAll(name, "-", string(separator))
					env := environmentAt(t, client, s, token, http.Header{spelling: {"DELETE"}, "x-method-name": {"kept"}})
					folded := "HTTP_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
					if value, found := env[folded]; found || env["HTTP_X_METHOD_NAME"] != "kept" {
						t.Errorf("%s: the upstream sees %q of %v", spelling, value, env)
					}
				}
			})
		}
	}
}

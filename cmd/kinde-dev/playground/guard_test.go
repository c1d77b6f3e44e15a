package playground

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A page on the web can have the developer's browser ask here, by its own origin or by a
// name of its own.
func TestGuard(t *testing.T) {
	type headers = map[string]string
	own := headers{"Content-Type": "application/json", "Origin": "http://localhost:9193", "Sec-Fetch-Site": "same-origin"}
	with := func(name, value string) headers {
		changed := maps.Clone(own)
		changed[name] = value
		return changed
	}
	navigation := headers{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
	for name, test := range map[string]struct {
		target  string
		headers headers
		want    int
	}{
		"the page":                  {"GET /", nil, 200},
		"by address":                {"GET http://127.0.0.1:9193/", nil, 200},
		"a link to the page":        {"GET /", navigation, 200},
		"a frame or a script":       {"GET /page/form.js", headers{"Sec-Fetch-Site": "cross-site"}, 403},
		"events of another page":    {"GET /api/events", headers{"Sec-Fetch-Site": "same-site"}, 403},
		"a link to the API":         {"GET /api/start", navigation, 403},
		"rebinding":                 {"GET http://evil.example:9193/", nil, 421},
		"rebinding, a post":         {"POST http://evil.example:9193/api/send", own, 421},
		"another port":              {"GET http://localhost:9194/", nil, 421},
		"no port":                   {"GET http://localhost/", nil, 421},
		"a post of the page":        {"POST /api/send", own, 200},
		"a post of curl":            {"POST /api/send", headers{"Content-Type": "application/json"}, 200},
		"a post of another site":    {"POST /api/send", with("Sec-Fetch-Site", "cross-site"), 403},
		"a post of another port":    {"POST /api/send", with("Sec-Fetch-Site", "same-site"), 403},
		"an old browser":            {"POST /api/send", headers{"Origin": "http://evil.example"}, 403},
		"an old browser, no origin": {"POST /api/send", headers{"Origin": "null"}, 403},
		"a form":                    {"POST /api/send", with("Content-Type", "text/plain"), 415},
	} {
		t.Run(name, func(t *testing.T) {
			method, target, _ := strings.Cut(test.target, " ")
			if target[0] == '/' {
				target = "http://localhost:9193" + target
			}
			request := httptest.NewRequest(method, target, nil)
			for name, value := range test.headers {
				request.Header.Set(name, value)
			}
			asked := false
			answer := httptest.NewRecorder()
			guard("9193", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true })).ServeHTTP(answer, request)
			if answer.Code != test.want || asked != (test.want == 200) {
				t.Errorf("status %d, want %d", answer.Code, test.want)
			}
			if policy := answer.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; ") {
				t.Errorf("policy %q", policy)
			}
		})
	}
}

// Nothing is changed by GET.
func TestRoutesThatChangeSomethingArePosts(t *testing.T) {
	for _, path := range []string{"/api/send", "/api/settings", "/api/break"} {
		answer := httptest.NewRecorder()
		(&Playground{}).routes().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		if answer.Code != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: status %d", path, answer.Code)
		}
	}
}

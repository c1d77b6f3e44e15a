package party

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// What is measured is what the project's own envoy.yaml says.
func TestDerive(t *testing.T) {
	text, err := os.ReadFile("../../../envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	envoy := &Envoy{Address: "127.0.0.1:1", admin: "127.0.0.1:2"}
	checked := &Service{Address: "127.0.0.1:3", checked: true}
	for _, c := range []struct {
		name      string
		gate      Gate
		has, lack []string
	}{
		{"no filter", Gate{}, []string{"direct_response", "normalize_path", "router"}, []string{"ext_authz", "jwt_authn", "access_log"}},
		{"native", Gate{Native: "{}"}, []string{"jwt_authn", "rbac"}, []string{"ext_authz", "jwt_cache_config"}},
		{"native, cached", Gate{Native: "{}", Cached: true}, []string{"jwt_cache_config"}, []string{"ext_authz"}},
		{"service", Gate{Service: checked}, []string{"encode_raw_headers", "validate_mutations", "health_checks", `"port_value": 3`}, []string{"jwt_authn", "envoy.cluster.dns"}},
		{"service with neither", Gate{Service: &Service{Address: "127.0.0.1:3", mapped: true}}, []string{"ext_authz"}, []string{"health_checks", "encode_raw_headers"}},
	} {
		got, err := derive(text, envoy, c.gate)
		if err != nil || !json.Valid(got) {
			t.Errorf("%s: %v", c.name, err)
		}
		for _, word := range c.has {
			if !strings.Contains(string(got), word) {
				t.Errorf("%s: it lacks %s", c.name, word)
			}
		}
		for _, word := range c.lack {
			if strings.Contains(string(got), word) {
				t.Errorf("%s: it has %s", c.name, word)
			}
		}
	}
	for _, text := range []string{"", "a: [", "static_resources: {}"} {
		if _, err := derive([]byte(text), envoy, Gate{}); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

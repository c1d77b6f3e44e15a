package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

func TestUsage(t *testing.T) {
	for name, test := range map[string]struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		"help":                     {[]string{"--help"}, 0, "Never run it where", ""},
		"help of token":            {[]string{"token", "--help"}, 0, "alg-hs256", ""},
		"help of up":               {[]string{"up", "--help"}, 0, "--once", ""},
		"no command":               {nil, 2, "", "expected one of"},
		"unknown flag":             {[]string{"token", "--nope"}, 2, "", "unknown flag --nope"},
		"lifetime":                 {[]string{"token", "--lifetime=500ms"}, 2, "", "--lifetime 500ms: want whole seconds"},
		"unknown actor":            {[]string{"token", "--actor=robot"}, 2, "", `"user","system"`},
		"an upstream without port": {[]string{"up", "--upstream=localhost"}, 2, "", `--upstream "localhost": want HOST:PORT`},
		"an upstream as a URL": {
			[]string{"up", "--upstream=http://localhost:3000"}, 2, "", `--upstream "http://localhost:3000": want HOST:PORT`,
		},
		"an upstream on no port":   {[]string{"up", "--upstream=a:0"}, 2, "", `--upstream "a:0": want HOST:PORT`},
		"an upstream too high":     {[]string{"up", "--upstream=a:70000"}, 2, "", `--upstream "a:70000": want HOST:PORT`},
		"an upstream that is YAML": {[]string{"up", "--upstream=a}:80"}, 2, "", `--upstream "a}:80": want HOST:PORT`},
		"an upstream and the agent's port": {
			[]string{"up", "--upstream=localhost:80", "--agent-port=81"}, 2, "", "--agent-port is that of the sample agent",
		},
		"no settings there":      {[]string{"up", "--settings=/nonexistent"}, 2, "", "--settings: stat /nonexistent: no"},
		"settings in a folder":   {[]string{"up", "--settings=."}, 2, "", "--settings .: want a YAML file"},
		"scenes of an upstream":  {[]string{"up", "--once", "--upstream=localhost:80"}, 2, "", "leave out --upstream"},
		"scenes of own settings": {[]string{"up", "--once", "--settings=main.go"}, 2, "", "leave out --settings"},
		"no issuer there":        {[]string{"token", "--issuer=http://127.0.0.1:1"}, 1, "", "--issuer"},
		"nobody is health":       {[]string{"health", "http://127.0.0.1:1"}, 1, "", "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(test.args, &stdout, &stderr)
			if code != test.code || !strings.Contains(stdout.String(), test.stdout) ||
				!strings.Contains(stderr.String(), test.stderr) {
				t.Errorf("exit code %d\n%s%s", code, stdout.String(), stderr.String())
			}
			if (test.stderr == "") != (stderr.Len() == 0) {
				t.Errorf("standard error: %s", stderr.String())
			}
		})
	}
}

func TestBrokenTokenObeysTheOtherFlags(t *testing.T) {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	for name, test := range map[string]struct {
		args []string
		want map[string]any
	}{
		"expired": {
			[]string{"--broken=expired", "--audience=https://x", "--org=org_globex"},
			map[string]any{"aud": []any{"https://x"}, "org_code": "org_globex"},
		},
		"ID token": {
			[]string{"--broken=id-token", "--org=org_globex"},
			map[string]any{"aud": []any{issuer.Issuer.URL, kindetest.ClientID}, "org_codes": []any{"org_globex"}},
		},
		"flags, and a list without members": {
			[]string{"--broken=expired", "--flag=a=false", "--flag=b=7", "--flag=c=x,y=z", "--permissions=none"},
			map[string]any{
				"feature_flags": map[string]any{
					"a": map[string]any{"t": "b", "v": false}, "b": map[string]any{"t": "i", "v": 7.0},
					"c": map[string]any{"t": "s", "v": "x,y=z"},
				},
				"permissions": []any{},
			},
		},
		"machine": {
			[]string{"--broken=bad-signature", "--actor=system", "--audience=a,b"},
			map[string]any{"aud": []any{"a", "b"}, "azp": kindetest.MachineID},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(append([]string{"token", "--issuer=" + issuer.Issuer.URL}, test.args...), &stdout,
				&stderr); code != 0 {
				t.Fatalf("exit code %d: %s", code, stderr.String())
			}
			payload, err := base64.RawURLEncoding.DecodeString(strings.Split(stdout.String(), ".")[1])
			if err != nil {
				t.Fatal(err)
			}
			var claims map[string]any
			if err := json.Unmarshal(payload, &claims); err != nil {
				t.Fatal(err)
			}
			for name, want := range test.want {
				if !cmp.Equal(want, claims[name]) {
					t.Errorf("%s: got %v, want %v", name, claims[name], want)
				}
			}
		})
	}
}

func TestTokenOfARunningIssuer(t *testing.T) {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	for name, test := range map[string]struct {
		args []string
		code int
	}{
		"user":         {[]string{"--org=org_globex", "--permissions=a,b", "--lifetime=5m", "--audience=https://x"}, 0},
		"machine":      {[]string{"--actor=system", "--scopes=a,b", "--org=none"}, 0},
		"broken":       {[]string{"--broken=expired"}, 0},
		"unknown kind": {[]string{"--broken=nonsense"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(append([]string{"token", "--issuer=" + issuer.Issuer.URL}, test.args...), &stdout, &stderr)
			if code != test.code {
				t.Fatalf("exit code %d: %s", code, stderr.String())
			}
			if code == 0 && strings.Count(stdout.String(), ".") != 2 {
				t.Errorf("not a token: %q", stdout.String())
			}
			if code != 0 && !strings.Contains(stderr.String(), "want one of not-a-jwt") {
				t.Errorf("standard error: %s", stderr.String())
			}
		})
	}
}

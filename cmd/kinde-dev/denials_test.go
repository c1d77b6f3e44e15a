package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestDenialsAreShownOneALine(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 3, 4, 5000, time.UTC)
	clock := at.Local().Format(time.TimeOnly)
	for name, test := range map[string]struct {
		change map[string]any
		want   string
	}{
		"no one yet": {
			nil, "401 token_expired        GET /api/agents/weather  -> the client must refresh its token",
		},
		"a user": {
			map[string]any{"reason": "org_not_allowed", "actor": "user", "org_code": "org_acme"},
			"403 org_not_allowed      GET /api/agents/weather  user of org_acme  -> the client must refresh its token",
		},
		"a machine without organization": {
			map[string]any{"reason": "org_missing", "actor": "system", "hint": ""},
			"403 org_missing          GET /api/agents/weather  machine",
		},
		"what is missing": {
			map[string]any{
				"reason":  "missing_permission",
				"actor":   "user",
				"missing": []string{"agents:run", "agents:read"},
				"hint":    nil,
			},
			"403 missing_permission   GET /api/agents/weather  user  missing agents:run, agents:read",
		},
		"fields of other types": {
			map[string]any{"missing": "x", "actor": 7, "org_code": []int{1}, "hint": 1},
			"401 token_expired        GET /api/agents/weather",
		},
		"a reason of another version": {
			map[string]any{"reason": "brand_new", "hint": ""}, "  0 brand_new            GET /api/agents/weather",
		},
		"what moves the cursor": {
			map[string]any{"path": "/\x1b[2J\u202e\n/x", "hint": ""}, "401 token_expired        GET /\ufffd[2J\ufffd\ufffd/x",
		},
		"long texts": {
			map[string]any{"path": "/" + strings.Repeat("é", 100), "hint": strings.Repeat("word; ", 30)},
			"401 token_expired        GET /" + strings.Repeat("é", 59) + " …  -> " +
				strings.TrimSuffix(strings.Repeat("word; ", 16), "; ") + " …",
		},
		"an allow":      {map[string]any{"decision": "allow"}, ""},
		"another entry": {map[string]any{"decision": nil}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			fields := map[string]any{
				"time": at.Format(time.RFC3339Nano), "decision": "deny", "reason": "token_expired", "method": "GET",
				"path": "/api/agents/weather", "actor": "none", "org_code": "", "hint": "the client must refresh its token",
			}
			for name, value := range test.change {
				fields[name] = value
			}
			line, err := json.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			want := test.want
			if want != "" {
				want = clock + "  " + want
			}
			if got := denial(line); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// A log arrives in pieces that begin and end anywhere.
func TestDenialsInPieces(t *testing.T) {
	const lines = `{"decision":"deny","reason":"missing_token","method":"GET","path":"/é"}` + "\n" +
		`{"msg":"serving"}` + "\n"
	log := "Envoy says hello\n\n" + strings.Repeat(lines, 3)
	for size := 1; size <= len(log); size++ {
		var out bytes.Buffer
		d := denials(&out)
		for rest := log; rest != ""; {
			piece := rest[:min(size, len(rest))]
			rest = rest[len(piece):]
			if n, err := d.Write([]byte(piece)); n != len(piece) || err != nil {
				t.Fatal(n, err)
			}
		}
		if !regexp.MustCompile(`^(\d\d:\d\d:\d\d  401 missing_token        GET /é\n){3}$`).MatchString(out.String()) {
			t.Fatalf("pieces of %d bytes: got\n%s", size, out.String())
		}
	}
}

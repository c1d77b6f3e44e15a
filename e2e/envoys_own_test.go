package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// ownAnswer is a row of the table of docs/reasons.md: status, details, what it means.
var ownAnswer = regexp.MustCompile("(?m)^\\| (\\d{3}) \\| `([a-z0-9_.]+)` \\| (.+?) \\|")

// What Envoy answers by itself has no reason, and is told apart by its details, as
// docs/reasons.md lists them.
func TestEnvoysOwnAnswers(t *testing.T) {
	page := readFile(t, "../docs/reasons.md")
	rows := ownAnswer.FindAllStringSubmatch(page, -1)
	s := guarded(t, nil)
	token := mint(t, s, kindetest.TokenRequest{})
	client := protocols["HTTP/1.1"]
	ask := map[string]func() answer{
		"http1.unexpected_underscore": func() answer { return send(t, client, s.URL, token, "x_kinde_user_id: kp_admin") },
		"path_normalization_failed":   func() answer { return send(t, client, s.URL+"/a%2fb", token) },
		"request_payload_too_large": func() answer {
			got, _ := post(t, http.DefaultClient, s, token, strings.NewReader(padded(200_000)))
			return got
		},
		"ext_authz_error": func() answer {
			s.KillAuthz()
			return send(t, client, s.URL, token)
		},
	}
	if len(rows) != len(ask) {
		t.Fatalf("%d rows, want %d", len(rows), len(ask))
	}
	for _, row := range rows {
		status, details := row[1], row[2]
		send := ask[details]
		if send == nil {
			t.Errorf("nobody asks for %s", details)
			continue
		}
		got := send()
		if fmt.Sprint(got.status) != status || got.header.Get("Content-Type") == "application/json" {
			t.Errorf("%s: status %d, %v, want %s and no reason", details, got.status, got.header, status)
		}
		eventually(t, details+" is logged, without a reason", func() bool {
			for line := range strings.Lines(s.EnvoyLog.String()) {
				var entry struct {
					Status  json.Number `json:"status"`
					Details string      `json:"details"`
					Reason  *string     `json:"reason"`
				}
				if json.Unmarshal([]byte(line), &entry) == nil && entry.Details == details {
					return entry.Status.String() == status && entry.Reason == nil
				}
			}
			return false
		})
	}
}

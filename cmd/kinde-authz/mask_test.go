package main

import (
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// Attack W1: a token in a path or an error is not logged.
func TestWhatLooksLikeATokenIsMasked(t *testing.T) {
	issuer := kindetest.New("https://yourapp.kinde.com")
	token := issuer.Token(issuer.UserClaims())
	signature := token[strings.LastIndexByte(token, '.'):]
	for text, want := range map[string]string{
		token:                         "[token]",
		"open " + token + ": no such": "open [token]: no such",
		token[:40]:                    "[token]",
		`\n` + token + `\n`:           `\n[token]\n`,
		`\u0026` + token:              `\u0026[token]`,
		"https://" + token + "/x":     "https://[token]/x",
		token + " " + token:           "[token] [token]",
		"eyJhbGciOiJub25lIn0.e30.":    "[token]",
		"ewogImFsZyI6MX0.eyAiYSI6MSB9" + signature: "[token]", // with spaces before its names
		"glued" + token: "[token]",
		`"x":"MeyJabcdefghijklmnopqrstuvwxyz0123456789ABCD"`: `"x":"MeyJabcdefghijklmnopqrstuvwxyz0123456789ABCD"`,
		"https://yourapp.kinde.com":                          "https://yourapp.kinde.com",
		"org_0123456789abcdef":                               "org_0123456789abcdef",
		"moneyjournal.example.com":                           "moneyjournal.example.com",
		"keyJourney: the key":                                "keyJourney: the key",
		"/etc/kinde-authz/authz.yaml":                        "/etc/kinde-authz/authz.yaml",
		strings.Repeat("a.b-c_d", 100):                       strings.Repeat("a.b-c_d", 100),
		"kinde-authz.authorization.svc.cluster.local:9191":   "kinde-authz.authorization.svc.cluster.local:9191",
	} {
		if got := string(mask([]byte(text))); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

package extauthz

import "testing"

func TestWhatClientsTypeIsCutAndPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"/api/agents":             "/api/agents",
		"/caf\u00e9":              "/caf\u00e9",
		"/a\nb":                   "/a\ufffdb",
		"/\x1b[31m":               "/\ufffd[31m",
		"/\x7f\u0085\u2028\u202e": "/\ufffd\ufffd\ufffd\ufffd",
		"/\xff":                   "/\ufffd",
		"/0123456789abcdef":       "/0123456789a\u2026",
		"/0123456789\u00e9\u00e9": "/0123456789\ufffd\u2026",
		"":                        "",
	} {
		if got := cut(text, 12); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

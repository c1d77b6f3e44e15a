package authz

import (
	"testing"
	"time"
)

// BenchmarkParts is what a decision is made of.
func BenchmarkParts(b *testing.B) {
	l := newLab(b)
	encode := func([]Header, []string) string { return "encoded" }
	a := l.authorizer(b, 1000, Config{
		Policies: map[string]Policy{"run": {Permissions: []string{"agents:run"}, Roles: []string{"admin"}}},
		Routes:   []Route{{Path: "/public/**", Public: true}, {Path: "/api/agents/{agent}/generate", Policy: "run"}},
		Encode:   encode,
	})
	token := l.Token(l.UserClaims())
	request := &Request{
		Method:        "GET",
		Path:          "/api/agents/weather/generate?x=1",
		Authorization: []string{"Bearer " + token},
	}
	verdict := l.verifier.Judge(b.Context(), token)
	for _, part := range []struct {
		name string
		do   func()
	}{
		{"route", func() { a.place(request) }},
		{"lookup", func() { a.identify(b.Context(), token) }},
		{"decide", func() { a.Decide(b.Context(), request) }},
		{"verify", func() { l.verifier.Judge(b.Context(), token) }},
		{"identity", func() { a.identities.of(&verdict) }},
		{"clock", func() { _ = time.Now() }},
	} {
		b.Run(part.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				part.do()
			}
		})
	}
}

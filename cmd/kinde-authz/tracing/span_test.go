package tracing

import (
	"testing"

	"google.golang.org/grpc/metadata"

	"github.com/kinde-authz/kinde-authz/authz/extauthz"
)

func TestParentOfADecision(t *testing.T) {
	const trace, other = "4bf92f3577b34da6a3ce929d0e0e4736", "5bf92f3577b34da6a3ce929d0e0e4736"
	const client, envoy = "00f067aa0ba902b7", "10f067aa0ba902b7"
	const none = "00000000000000000000000000000000-0000000000000000-00"
	const asked, unsampled, near = trace + "-" + client + "-01", trace + "-" + client + "-00", trace + "-" + envoy + "-01"
	for name, test := range map[string]struct {
		request string
		call    []string
		want    string
	}{
		"none":            {"", nil, none},
		"of the request":  {"00-" + asked, nil, asked},
		"of the call":     {"", []string{"00-" + near}, near},
		"the nearer one":  {"00-" + asked, []string{"00-" + near}, near},
		"another trace":   {"00-" + unsampled, []string{"00-" + other + "-" + envoy + "-01"}, unsampled},
		"not valid":       {"00-" + asked + ",", []string{"00-" + trace + "-" + envoy + "-00"}, trace + "-" + envoy + "-00"},
		"two of the call": {"", []string{"00-" + near, "00-" + near}, none},
	} {
		ctx := metadata.NewIncomingContext(t.Context(), metadata.MD{"traceparent": test.call})
		got := parentOf(ctx, extauthz.TraceContext{Parent: test.request})
		if text := got.TraceID().String() + "-" + got.SpanID().String() + "-" + got.TraceFlags().String(); text != test.want {
			t.Errorf("%s: got %s, want %s", name, text, test.want)
		}
	}
}

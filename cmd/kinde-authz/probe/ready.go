package probe

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// answerBytes is as much of an answer as is told.
const answerBytes = 1 << 10

// Reachable returns an address at which what listens on this one is reached from the
// same machine: one that stands for every interface becomes that of the loopback.
func Reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address // unix:/path, or what nobody can listen on
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// Ready asks /readyz of the admin port at host:port or unix:/path. It returns whether
// the service is ready, and what it answered, in one line of about 1 KiB at most.
func Ready(ctx context.Context, address string) (ready bool, answer string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://kinde-authz/readyz", nil)
	if err != nil {
		return false, "", err
	}
	// No proxy is asked and no redirect followed: what answers is the service.
	transport := &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, address) },
		DisableKeepAlives: true,
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return false, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, answerBytes))
	if err != nil {
		return false, "", err
	}
	lines := strings.FieldsFunc(string(body), func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) == 0 {
		return response.StatusCode == http.StatusOK, response.Status, nil
	}
	return response.StatusCode == http.StatusOK, response.Status + ": " + strings.Join(lines, "; "), nil
}

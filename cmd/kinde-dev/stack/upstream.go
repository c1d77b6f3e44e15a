package stack

import (
	"context"
	"fmt"
	"net"
	"time"
)

// upstream is the address for Envoy: of those that a name has, Envoy takes the first, and
// this one listens.
func (c *Config) upstream(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", c.Upstream)
	if err == nil {
		defer conn.Close()
		return conn.RemoteAddr().String()
	}
	c.warn(fmt.Sprintf("nothing listens on the upstream %s: start it, until then what passes gets 503 from Envoy", c.Upstream))
	if host, port, _ := net.SplitHostPort(c.Upstream); host == "localhost" {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return c.Upstream
}

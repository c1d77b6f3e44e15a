package stack

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// discoverable adds the MCP server to the settings as a resource, at the address that its
// clients use. That is known only when Envoy runs, so kinde-authz reads them again.
// Tokens are for the sample audience, or for the server (RFC 8707).
func (s *Stack) discoverable(ctx context.Context) error {
	settings, err := os.ReadFile(s.Settings)
	if err != nil {
		return err
	}
	server := s.URL + agent.MCPPath
	settings = fmt.Appendf(settings, "resources:\n  - {identifier: %q, audience: [%q, %q]}\n", server, kindetest.Audience, server)
	if err := s.ReplaceSettings(settings); err != nil {
		return err
	}
	return s.Authz.Until(ctx, "its settings with the resource", func() bool {
		return strings.Contains(s.AuthzLog.String(), `"msg":"settings reloaded"`)
	})
}

// Package doctor checks a deployment: its issuers and their keys, the clock, the
// running service, and the Envoy in front of it.
package doctor

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

// timeout bounds each thing that is asked of somebody else.
const timeout = 10 * time.Second

// Target is what to check beside the issuers.
type Target struct {
	// Address is that of the running service's gRPC port. Empty is the one of the
	// settings.
	Address string
	// EnvoyAdmin is the address of Envoy's admin port, EnvoyFile the path of the
	// file it was started with. Without both, no Envoy is checked.
	EnvoyAdmin, EnvoyFile string
	// MCP is the address of an MCP server, as its clients know it. Without it, logins
	// are not checked.
	MCP string
}

// Examine checks everything that can be reached. The settings can be built.
func Examine(ctx context.Context, s *settings.Settings, target Target) *Report {
	r := &Report{}
	r.fine("settings", "they load")
	checkIssuers(ctx, r, s)
	checkService(ctx, r, s, target.Address)
	if target.Address == "" { // else another service is meant, whose admin port is not known
		checkUnknownPolicies(ctx, r, s)
	}
	if target.EnvoyAdmin != "" || target.EnvoyFile != "" {
		checkEnvoy(ctx, r, s, target)
	}
	if target.MCP != "" {
		checkLogin(ctx, r, s, target.MCP)
	}
	return r
}

// fetch gets a document.
func fetch(ctx context.Context, address string) (header http.Header, body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	const limit = 64 << 20 // of a large Envoy's configuration
	got, err := exchange(request, limit)
	if err == nil && got.status != http.StatusOK {
		err = fmt.Errorf("it answered %d: want 200", got.status)
	}
	return got.header, got.body, err
}

// answer is what somebody else answered to a request; without a status, nothing.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// exchange sends a request and reads the answer, of which more bytes than limit are
// ignored. With an error the body can be cut. No redirect is followed, as the service
// follows none.
func exchange(request *http.Request, limit int64) (answer, error) {
	ctx, cancel := context.WithTimeout(request.Context(), timeout)
	defer cancel()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	response, err := client.Do(request.WithContext(ctx))
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, limit))
	return answer{response.StatusCode, response.Header, body}, err
}

package party

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// Envoy is a running Envoy with one worker.
type Envoy struct {
	*Process
	// Address is its listener.
	Address string
	admin   string
}

// Gate is what stands before the answer in an Envoy: at most one of Service
// and Native.
type Gate struct {
	// Name tells the Envoys apart.
	Name string
	// Service is asked by ext_authz, with the settings of the project's
	// envoy.yaml.
	Service *Service
	// Native checks tokens of this JWK set with jwt_authn and RBAC; Cached
	// lets jwt_authn remember them.
	Native string
	Cached bool
	// Domain is the issuer that Native wants.
	Domain string
}

// Envoy starts an Envoy, a program, whose settings are those of the project's
// envoy.yaml, and waits until a request can pass.
func (h House) Envoy(ctx context.Context, program, config string, gate Gate) (*Envoy, error) {
	text, err := os.ReadFile(config) //nolint:gosec // the developer's own file
	if err != nil {
		return nil, err
	}
	e := &Envoy{}
	if e.Address, err = freeAddress(); err != nil {
		return nil, err
	}
	if e.admin, err = freeAddress(); err != nil {
		return nil, err
	}
	derived, err := derive(text, e, gate)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", config, err)
	}
	path, err := h.write("envoy-"+gate.Name+".json", string(derived))
	if err != nil {
		return nil, err
	}
	e.Process, err = start("envoy", h.log("envoy-"+gate.Name), program, "-c", path,
		"--concurrency", "1", "--disable-hot-restart", "--log-level", "warning")
	if err != nil {
		return nil, err
	}
	if err := e.until(ctx, "it is ready", func(ctx context.Context) bool { return e.ready(ctx, gate) }); err != nil {
		e.Stop()
		return nil, err
	}
	return e, nil
}

// ready reports whether Envoy listens and, when it asks a service, takes that
// for healthy.
func (e *Envoy) ready(ctx context.Context, gate Gate) bool {
	if _, ok := e.get(ctx, "/ready"); !ok {
		return false
	}
	if gate.Service == nil {
		return true
	}
	const healthy = "cluster." + authzCluster + ".membership_healthy"
	stats, ok := e.get(ctx, "/stats?filter=^"+healthy+"$")
	return ok && strings.TrimSpace(stats) == healthy+": 1"
}

// get asks Envoy's admin port.
func (e *Envoy) get(ctx context.Context, path string) (string, bool) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.admin+path, nil)
	if err != nil {
		return "", false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", false
	}
	defer func() { _ = response.Body.Close() }() // read to its end
	body, err := io.ReadAll(response.Body)
	return string(body), err == nil && response.StatusCode == http.StatusOK
}

var versionPattern = regexp.MustCompile(`/(\d+\.\d+\.\d+)`)

// EnvoyVersion asks an Envoy for its version.
func EnvoyVersion(ctx context.Context, program string) (string, error) {
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", program, err)
	}
	found := versionPattern.FindSubmatch(out)
	if found == nil {
		return "", fmt.Errorf("%s --version says %q", program, out)
	}
	return string(found[1]), nil
}

// socket is an address as Envoy writes it.
func socket(address string) (node, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	return node{"socket_address": node{"address": host, "port_value": number}}, err
}

// toJSON writes a configuration, which Envoy also takes as JSON.
func toJSON(config node) ([]byte, error) { return json.MarshalIndent(config, "", "  ") }

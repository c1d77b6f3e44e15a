package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/probe"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

// checkService asks the running service for its health, as Envoy does, and
// compares its settings.
func checkService(ctx context.Context, r *Report, s *settings.Settings, address string) {
	if address == "" {
		address = s.Listen
	}
	check := "service " + address
	status, digest, err := probe.Service(ctx, address, s.TLS)
	if errors.Is(err, probe.ErrClientCertificate) {
		r.warn(check, err.Error(), "look at Envoy's health check of it: /clusters of Envoy's admin port")
		return
	}
	if err != nil {
		r.fail(check, err.Error(),
			"start kinde-authz, or name its address with --address, like localhost:9191 or unix:/path")
		return
	}
	r.judge(status == healthv1.HealthCheckResponse_SERVING, check, "it is SERVING", Failed,
		"it is "+status.String(), "it drains, or has no keys of any issuer: /readyz on its admin port says which")
	unlike := s.Unlike(digest)
	r.judge(unlike == "", check, "its settings are these", Warning, unlike,
		"run the doctor with the same file, flags and environment as the service")
}

// checkUnknownPolicies looks whether requests were denied because Envoy named a
// policy that is not defined: the names themselves are hidden by its admin port.
// The service's admin port need not be reachable from here.
func checkUnknownPolicies(ctx context.Context, r *Report, s *settings.Settings) {
	if _, _, err := net.SplitHostPort(s.AdminListen); err != nil {
		return // a socket
	}
	address := probe.Reachable(s.AdminListen)
	_, metrics, err := fetch(ctx, "http://"+address+"/metrics")
	if err != nil {
		return
	}
	denied := 0
	for line := range strings.Lines(string(metrics)) {
		if strings.HasPrefix(line, "kinde_authz_decisions_total{") && strings.Contains(line, fmt.Sprintf("reason=%q",
			authz.UnknownPolicy)) {
			fields := strings.Fields(line)
			count, _ := strconv.ParseFloat(fields[len(fields)-1], 64) // it came as a number
			denied += int(count)
		}
	}
	r.judge(denied == 0, "service metrics "+address, "Envoy has named no unknown policy", Warning,
		fmt.Sprintf("%d requests were denied because Envoy named a policy that is not defined (unknown_policy)",
			denied),
		"compare the names in context_extensions with the policies: doctor does it with --envoy-config FILE")
}

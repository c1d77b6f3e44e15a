package e2e

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// kubectl is in place of the program, where there is no cluster: what it is to apply is
// there, and the ports that it is to forward are those of kinde-authz and of Envoy.
const kubectl = `
kubectl() {
  case "$*" in
    apply\ *) shift; while [ $# -gt 0 ]; do [ "$1" = -f ]; ls "$2" > /dev/null; shift 2; done ;;
    *\ port-forward\ deploy/*) ;;
    *) echo "kubectl $*: nobody looks at it" >&2; return 1 ;;
  esac
}
`

// The commands of the guides for Istio and Envoy Gateway, against the Envoy of the local
// stack. TestIstio and TestEnvoyGateway have the control planes themselves read the files.
func TestGuidesForControlPlanes(t *testing.T) {
	settings := filepath.Join(t.TempDir(), "authz.yaml")
	write(t, settings, fmt.Sprintf("issuers: [{domain: %q, audience: [%q], allowed_orgs: [%s]}]\ninsecure_http: true\n",
		shared.Issuer.URL, kindetest.Audience, stack.AllowedOrgs))
	for _, document := range []string{"docs/istio.md", "docs/envoy-gateway.md"} {
		script := strings.Join(blocksOf(t, document, "sh"), "")
		doctor := regexp.MustCompile(`--address (\S+) --envoy-admin (\S+)\n`).FindStringSubmatch(script)
		if doctor == nil {
			t.Fatalf("%s asks no doctor: %s", document, script)
		}
		for _, address := range doctor[1:] {
			port := address[strings.LastIndex(address, ":")+1:]
			if !regexp.MustCompile(` port-forward \S+ ` + port + `:\d+ &\n`).MatchString(script) {
				t.Errorf("%s: the doctor is given %s, and no such port is forwarded", document, address)
			}
		}
		out := shell(t, "..", kubectl+script, "http://GATEWAY", shared.URL, "authz.yaml", settings,
			doctor[1], shared.AuthzGRPC, doctor[2], shared.EnvoyAdmin)
		if !strings.Contains(out, "HTTP/1.1 401 Unauthorized") || !strings.Contains(out, `"reason":"missing_token"`) {
			t.Errorf("%s: without a token: %s", document, out)
		}
	}
}

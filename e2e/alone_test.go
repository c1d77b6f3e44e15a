package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// alone starts kinde-authz without an Envoy, on ports of the kernel's choice,
// and returns its gRPC address. It is ended with the test, and must end well.
func alone(t *testing.T, program string, args ...string) (address string, p *process.Process) {
	t.Helper()
	command := exec.Command(program, args...)
	command.Env = append(os.Environ(),
		"KINDE_AUTHZ_LISTEN=127.0.0.1:0", "KINDE_AUTHZ_ADMIN_LISTEN=127.0.0.1:0", "KINDE_AUTHZ_DRAIN_DELAY=0s")
	var log process.Log
	p = run(t, command, &log)
	t.Cleanup(func() {
		_ = p.Signal(syscall.SIGTERM)
		ends(t, p, 0, 20*time.Second)
	})
	until(t, p, "its ports", func() bool {
		for line := range strings.Lines(log.String()) {
			var entry struct {
				Message string `json:"msg"`
				Listen  string `json:"listen"`
			}
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Message == "serving" {
				address = entry.Listen
			}
		}
		return address != ""
	})
	return address, p
}

// reasonFrom asks kinde-authz about a request with a token.
func reasonFrom(t *testing.T, address, token string) string {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := envoytest.Get("/").Bearer(token)
	response, err := authv3.NewAuthorizationClient(conn).Check(t.Context(), request.InList())
	if err != nil {
		t.Fatal(err)
	}
	return response.GetDynamicMetadata().GetFields()["reason"].GetStringValue()
}

// Attack I6: several issuers in one file, each with rules of its own.
func TestIssuersOfAFileDoNotMix(t *testing.T) {
	first, second, third := kindetest.NewServer(), kindetest.NewServer(), kindetest.New("https://offline.kinde.com")
	defer first.Close()
	defer second.Close()
	dir := t.TempDir()
	keys, config := filepath.Join(dir, "keys.json"), filepath.Join(dir, "authz.yaml")
	if err := os.WriteFile(keys, []byte(third.JWKS()), 0o600); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(`
issuers:
  - {domain: %q, audience: [%q], allowed_orgs: [org_acme]}
  - {domain: %q, actors: [user]}
  - {domain: %q, jwks_file: %q, audience: [other]}
insecure_http: true
leeway: 0s
`, first.Issuer.URL, kindetest.Audience, second.Issuer.URL, third.URL, keys)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	address, _ := alone(t, programs.Authz, "serve", "--config", config)
	eventually(t, "the keys are there", func() bool {
		return reasonFrom(t, address, first.Token(first.UserClaims())) == "allowed" &&
			reasonFrom(t, address, second.Token(second.UserClaims())) == "allowed"
	})
	for name, test := range map[string]struct{ token, want string }{
		"organization of the first":  {first.Token(first.UserClaims().With("org_code", "org_other")), "org_not_allowed"},
		"organization of the second": {second.Token(second.UserClaims().With("org_code", "org_other")), "allowed"},
		"machine of the first":       {first.Token(first.MachineClaims()), "allowed"},
		"machine of the second":      {second.Token(second.MachineClaims()), "actor_not_allowed"},
		"audience of the first":      {first.Token(first.UserClaims().With("aud", "x")), "wrong_audience"},
		"audience of the second":     {second.Token(second.UserClaims().With("aud", "x")), "allowed"},
		"keys from a file":           {third.Token(third.UserClaims().With("aud", "other")), "allowed"},
		"audience of the third":      {third.Token(third.UserClaims()), "wrong_audience"},
		"signed by the second for the first": {
			second.Token(second.UserClaims().With("iss", first.Issuer.URL)), "unknown_key",
		},
		"signed by the third for the second": {third.Token(third.UserClaims().With("iss", second.Issuer.URL)), "unknown_key"},
		"an issuer that is not in the file": {
			first.Token(first.UserClaims().With("iss", "https://x.kinde.com")), "wrong_issuer",
		},
		"no leeway for what has just expired": {
			first.Token(first.UserClaims().With("iat", time.Now().Add(-time.Minute).Unix()).
				With("exp", time.Now().Add(-time.Second).Unix())),
			"token_expired",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := reasonFrom(t, address, test.token); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestUnixSocket(t *testing.T) {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	socket := filepath.Join(t.TempDir(), "authz.sock")
	alone(t, programs.Authz, "--insecure-http", "--domain", issuer.Issuer.URL, "--listen", "unix:"+socket)
	eventually(t, "it answers", func() bool {
		return reasonFrom(t, "unix:"+socket, issuer.Token(issuer.UserClaims())) == "allowed"
	})
}

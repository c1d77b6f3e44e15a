package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

const setupGuide = "../docs/kinde-setup.md"

// The guide's last table says what the service answers to tokens as Kinde makes them
// while a step is missing, with the settings that the guide shows.
func TestKindeSetupTellsWhatAMissingStepLooksLike(t *testing.T) {
	page, err := os.ReadFile(setupGuide)
	if err != nil {
		t.Fatal(err)
	}
	issuer := kindetest.NewServer()
	t.Cleanup(issuer.Close)
	path := filepath.Join(t.TempDir(), "kinde-authz.yaml")
	settings := blocksOf(t, "docs/kinde-setup.md", "yaml")[0]
	write(t, path, strings.Replace(settings, "https://yourapp.kinde.com", issuer.Issuer.URL, 1))
	address, _ := alone(t, programs.Authz, "--insecure-http", "--config", path)
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := authv3.NewAuthorizationClient(conn)

	table := "| missing | reason |\n|---|---|\n"
	for _, step := range setupSteps(issuer.Issuer) {
		response, err := client.Check(t.Context(), envoytest.Get(step.path).Bearer(step.token).InList())
		if err != nil {
			t.Fatal(err)
		}
		reason := response.GetDynamicMetadata().GetFields()["reason"].GetStringValue()
		if reason != step.reason {
			t.Errorf("%s: %s, want %s", step.missing, reason, step.reason)
		}
		table += fmt.Sprintf("| %s | `%s` |\n", step.missing, reason)
	}
	if want := "<!-- steps: begin -->\n" + table + "<!-- steps: end -->"; !strings.Contains(string(page), want) {
		t.Errorf("%s should contain:\n%s", setupGuide, want)
	}
}

// The commands of the guide ask an issuer like Kinde for a machine's token, and explain it. An
// answer without a token is explained with the reason that the guide names.
func TestKindeSetupExplainsTheFirstToken(t *testing.T) {
	issuer := kindetest.NewServer()
	t.Cleanup(issuer.Close)
	dir := t.TempDir()
	settings := strings.NewReplacer("https://yourapp.kinde.com", issuer.Issuer.URL, "org_abc123", kindetest.Org).
		Replace(blocksOf(t, "docs/kinde-setup.md", "yaml")[0])
	write(t, filepath.Join(dir, "kinde-authz.yaml"), settings)
	script := blocksOf(t, "docs/kinde-setup.md", "sh")[0]
	for _, row := range []struct{ secret, want string }{{"s", "allow     allowed"}, {"", "malformed_token"}} {
		out := shell(t, dir, "("+script+") || [ $? = 1 ]", "https://yourapp.kinde.com", issuer.Issuer.URL,
			"explain --config", "explain --insecure-http --config", "$CLIENT_ID", "client_1", "$CLIENT_SECRET", row.secret)
		if !strings.Contains(out, row.want) {
			t.Errorf("with the secret %q, want %q:\n%s", row.secret, row.want, out)
		}
	}
}

// A setupStep is a step that somebody left out, and the token that Kinde then makes.
type setupStep struct{ missing, path, token, reason string }

func setupSteps(issuer *kindetest.Issuer) []setupStep {
	const api, org = "https://api.yourapp.com", "org_abc123"
	user := issuer.UserClaims().With("aud", []string{api}).With("org_code", org).
		With("permissions", []string{"read:reports"})
	machine := issuer.MachineClaims().With("aud", []string{api}).With("org_code", org)
	sign := issuer.Sign
	off := map[string]any{"agent-v2": map[string]any{"t": "b", "v": false}}
	old := user.With("iat", issuer.Now().Add(-25*time.Hour).Unix()).With("exp", issuer.Now().Add(-time.Hour).Unix())
	return []setupStep{
		{"none: a user", "/reports/1", sign(user), "allowed"},
		{"none: a machine", "/jobs/1", sign(machine), "allowed"},
		{"1: the custom domain is not configured", "/", sign(user.With("iss", "https://id.yourapp.com")), "wrong_issuer"},
		{"2: the application does not ask for the audience", "/", sign(user.With("aud", []string{})), "empty_audience"},
		{"2: it asks for another API", "/", sign(user.With("aud", []string{"https://x.yourapp.com"})), "wrong_audience"},
		{"2: it sends the ID token", "/", sign(issuer.IDClaims()), "not_an_access_token"},
		{"3: the user signed in to no organization", "/", sign(user.Without("org_code")), "org_missing"},
		{"3: the organization is not in `allowed_orgs`", "/", sign(user.With("org_code", "org_x")), "org_not_allowed"},
		{"3: the path is another organization's", "/orgs/org_x/1", sign(user), "org_mismatch"},
		{"4: no role of the user has the permission", "/reports/1", sign(user.With("permissions", []string{})),
			"missing_permission"},
		{"4: roles are not in the token", "/admin/1", sign(user.Without("roles")), "missing_role"},
		{"4: the flag is off", "/beta/1", sign(user.With("feature_flags", off)), "feature_disabled"},
		{"4: the token is older than its lifetime", "/", sign(old), "token_expired"},
		{"5: the machine belongs to no organization", "/jobs/1", sign(machine.Without("org_code")), "org_missing"},
		{"5: the scope is not switched on", "/jobs/1", sign(machine.With("scope", "").With("scp", []string{})),
			"insufficient_scope"},
		{"5: a user's token where a machine's is wanted", "/jobs/1", sign(user), "actor_not_allowed"},
		{"5: a machine's flag where a user's is wanted", "/beta/1",
			sign(machine.With("feature_flags", user["feature_flags"])), "feature_disabled"},
	}
}

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
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

const migrationGuide = "../docs/migrating-from-mastra-auth-kinde.md"

// A migrated is a token that the provider and kinde-authz are both asked about.
type migrated struct {
	name  string
	token string
	why   string // the answers differ, on purpose
}

// provider asks the oracle, which reads the keys of the issuer itself.
func provider(t *testing.T, issuer string, checked bool, rows []migrated) map[string]int {
	t.Helper()
	install := exec.CommandContext(t.Context(), "../scripts/node-modules", "migration")
	install.Stderr = os.Stderr
	modules, err := install.Output()
	if err != nil {
		t.Fatalf("scripts/node-modules: %v", err)
	}
	question := map[string]any{"domain": issuer + "/"}
	if checked {
		question["audience"], question["allowedOrgCodes"] = kindetest.Audience, []string{kindetest.Org, "org_globex"}
	}
	tokens := map[string]string{}
	for _, row := range rows {
		tokens[row.name] = row.token
	}
	question["tokens"] = tokens
	input, err := json.Marshal(question)
	if err != nil {
		t.Fatal(err)
	}
	jose := filepath.Join(strings.TrimSpace(string(modules)), "jose/dist/webapi/index.js")
	node := exec.CommandContext(t.Context(), "node", "migration/provider.js", jose)
	node.Stdin, node.Stderr = bytes.NewReader(input), os.Stderr
	output, err := node.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]int{}
	if err := json.Unmarshal(output, &answers); err != nil {
		t.Fatal(err)
	}
	return answers
}

// replacement starts kinde-authz with the provider's options and returns its address.
func replacement(t *testing.T, issuer string, checked bool) string {
	t.Helper()
	args := []string{"--insecure-http", "--domain", issuer + "/"}
	if checked {
		args = append(args, "--audience", kindetest.Audience, "--allowed-orgs", kindetest.Org+",org_globex")
	}
	address, _ := alone(t, programs.Authz, args...)
	return address
}

// statusFrom returns the status and the reason that kinde-authz gives a request with
// a token, or without one when it is empty.
func statusFrom(t *testing.T, address, token string) (status int, reason string) {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := envoytest.Get("/")
	if token != "" {
		request = request.Bearer(token)
	}
	response, err := authv3.NewAuthorizationClient(conn).Check(t.Context(), request.InList())
	if err != nil {
		t.Fatal(err)
	}
	status = int(response.GetDeniedResponse().GetStatus().GetCode())
	if response.GetOkResponse() != nil {
		status = 200
	}
	return status, response.GetDynamicMetadata().GetFields()["reason"].GetStringValue()
}

// The tables of the guide say what the provider's rule and kinde-authz answer to the
// same tokens: the same, but where a row says why not.
func TestMigrationGuideTellsBothAnswers(t *testing.T) {
	issuer := kindetest.NewServer()
	t.Cleanup(issuer.Close)
	for table, rows := range map[string][]migrated{
		"checked":   checkedTokens(t, issuer.Issuer),
		"unchecked": uncheckedTokens(issuer.Issuer),
	} {
		checked := table == "checked"
		answers, address := provider(t, issuer.Issuer.URL, checked, rows), replacement(t, issuer.Issuer.URL, checked)
		lines := "| token | provider | kinde-authz | |\n|---|---|---|---|\n"
		for _, row := range rows {
			status, reason := statusFrom(t, address, row.token)
			if same := status == answers[row.name]; same != (row.why == "") {
				t.Errorf("%s: the provider answers %d, kinde-authz %d %s; the row says why not the same: %q",
					row.name, answers[row.name], status, reason, row.why)
			}
			lines += fmt.Sprintf("| %s | %d | %d `%s` | %s |\n", row.name, answers[row.name], status, reason, row.why)
		}
		page, err := os.ReadFile(migrationGuide)
		if err != nil {
			t.Fatal(err)
		}
		want := "<!-- " + table + ": begin -->\n" + lines + "<!-- " + table + ": end -->"
		if !strings.Contains(string(page), want) {
			t.Errorf("%s should contain:\n%s", migrationGuide, want)
		}
	}
}

// The service that the guide makes of the provider has its options, and starts.
func TestMigrationGuideKeepsTheOptions(t *testing.T) {
	const guide = "docs/migrating-from-mastra-auth-kinde.md"
	provider, want := blocksOf(t, guide, "js")[0], blocksOf(t, guide, "sh")[0]
	script := "class MastraAuthKinde { constructor(o) { console.log(`KINDE_DOMAIN=${o.domain} \\\\\n" +
		"KINDE_AUDIENCE=${o.audience} \\\\\nKINDE_ALLOWED_ORGS=${o.allowedOrgCodes} \\\\\nbin/kinde-authz`) } }\n" +
		provider
	service, err := exec.CommandContext(t.Context(), "node", "-e", script).Output()
	if err != nil || string(service) != want {
		t.Errorf("%v: the provider is\n%s\nthe service\n%s", err, service, want)
	}
	runService(t, want)

	file := filepath.Join(t.TempDir(), "kinde-authz.yaml")
	settings := blocksOf(t, guide, "yaml")[0]
	write(t, file, settings)
	if code, out, faults := output(t, exec.Command(programs.Authz, "validate", file)); code != 0 {
		t.Errorf("%s%s", out, faults)
	}
	for line := range strings.Lines(want) {
		_, value, _ := strings.Cut(strings.TrimSuffix(line, " \\\n"), "=")
		if !strings.Contains(settings, strings.ReplaceAll(value, ",", ", ")) {
			t.Errorf("the file has no %s", value)
		}
	}
}

// checkedTokens are asked about with an audience and a list of organizations.
func checkedTokens(t *testing.T, issuer *kindetest.Issuer) []migrated {
	user, machine, sign := issuer.UserClaims(), issuer.MachineClaims(), issuer.Sign
	broken := func(name string) string {
		token, err := issuer.Broken(name)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	ago := func(d time.Duration) int64 { return issuer.Now().Add(-d).Unix() }
	return []migrated{
		{"a user of a listed organization", sign(user), ""},
		{"a machine of a listed organization", sign(machine), ""},
		{"`sub` and the grant of a machine: a user", sign(user.With("gty", []string{"client_credentials"})), ""},
		{"`aud` is a string", sign(user.With("aud", kindetest.Audience)), ""},
		{"this API is one of two in `aud`", sign(user.With("aud", []string{"https://x.test", kindetest.Audience})), ""},
		{"none", "", ""},
		{"an API key", broken("not-a-jwt"), ""},
		{"another issuer's", broken("wrong-issuer"), ""},
		{"a key that is not published", broken("unknown-key"), ""},
		{"a forged signature", broken("bad-signature"), ""},
		{"`alg` is `none`", broken("alg-none"), ""},
		{"`alg` is `HS256`, with the public key", broken("alg-hs256"), ""},
		{"expired for an hour", broken("expired"), ""},
		{"`nbf` is in ten minutes", broken("not-yet-valid"), ""},
		{"Kinde's default: `aud` is empty", broken("empty-audience"), ""},
		{"for another API", broken("wrong-audience"), ""},
		{"an ID token", broken("id-token"), ""},
		{"a webhook's", broken("webhook"), ""},
		{"neither user nor machine", broken("no-actor"), ""},
		{"a user of another organization", broken("other-org"), ""},
		{"a user without organization", broken("no-org"), ""},
		{"a machine of another organization", sign(machine.With("org_code", "org_stranger")), ""},
		{"a machine without organization", sign(machine.Without("org_code")), ""},
		{"expired for 10 s", sign(user.With("iat", ago(time.Hour)).With("exp", ago(10*time.Second))),
			"`leeway`, 30 s unless it is set; the provider has none"},
		{"without `exp`", broken("no-expiry"), "it would live for ever"},
		{"without `iat`", sign(user.Without("iat")), "Kinde sets it"},
		{"`iat` is in ten minutes", sign(user.With("iat", ago(-10*time.Minute))), "it is not issued yet"},
		{"`sub` is empty, the grant is a machine's", sign(machine.With("sub", "")), "a form that Kinde never sends"},
		{"`sub` is null, the grant is a machine's", sign(machine.With("sub", nil)), "so is this"},
		{"`sub` is a number", sign(user.With("sub", 7)), "and this"},
		{"`gty` is a string", sign(machine.With("gty", "client_credentials")), "and this"},
		{"`org_code` is a list", sign(user.With("org_code", []string{kindetest.Org})), "and this"},
		{"a claim stands twice", broken("duplicate-claim"), "two parsers could read two tokens"},
		{"without `kid`", broken("no-key-id"), "keys are looked up, never tried"},
		{"`jwk` in the header", broken("embedded-key"), "a token may not bring its key"},
	}
}

// uncheckedTokens are asked about where neither is configured.
func uncheckedTokens(issuer *kindetest.Issuer) []migrated {
	user, machine, sign := issuer.UserClaims(), issuer.MachineClaims(), issuer.Sign
	return []migrated{
		{"Kinde's default: `aud` is empty, no organization", sign(user.With("aud", []string{}).Without("org_code")), ""},
		{"a user of any organization, for any API", sign(user.With("aud", "x").With("org_code", "org_x")), ""},
		{"a machine without organization", sign(machine.Without("org_code")), ""},
		{"neither user nor machine", sign(user.Without("sub")), ""},
		{"an ID token", sign(issuer.IDClaims()), "it tells an application who signed in; it opens no API"},
	}
}

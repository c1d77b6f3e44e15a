package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

const explainSettings = `
issuers: [{domain: https://t.kinde.com, audience: [https://api.example.com], allowed_orgs: [org_acme, org_two]}]
policies:
  default: {}
  run: {permissions: [agents:run, agents:own], actors: [user]}
  internal: {actors: [system], scopes: [jobs:run], allow_without_org: true}
  flags: {feature_flags: {agent-v2: true}}
  admin: {roles: [admin]}
routes:
  - {path: /public/**, public: true}
  - {path: /run, policy: run}
  - {path: /internal, methods: [GET], policy: internal}
  - {path: /flags, policy: flags}
  - {path: /admin/*, policy: admin}
  - {path: "/orgs/{org_code}/**"}
resources: [{identifier: https://api.example.com}]
headers: {claims: {x-kinde-email: email}}
`

// offline is an issuer, its keys in a file, and settings in another.
type offline struct {
	*kindetest.Issuer
	keys, config string
}

func newOffline(t *testing.T) *offline {
	t.Helper()
	dir := t.TempDir()
	o := &offline{kindetest.New("https://t.kinde.com"), filepath.Join(dir, "keys.json"), filepath.Join(dir, "authz.yaml")}
	for path, content := range map[string]string{o.keys: o.JWKS(), o.config: explainSettings} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// explain runs the command.
func (o *offline) explain(t *testing.T, token string, args ...string) (code int, stdout string) {
	t.Helper()
	var out, faults bytes.Buffer
	code = run(append([]string{"explain", "--config", o.config, "--jwks-file", o.keys}, args...),
		strings.NewReader(token), &out, &faults)
	if faults.Len() > 0 {
		t.Errorf("standard error: %s", faults.String())
	}
	if token != "" && strings.Contains(out.String(), token) {
		t.Error("it prints the token")
	}
	return code, out.String()
}

func TestExplainForPeople(t *testing.T) {
	o := newOffline(t)
	user := o.UserClaims().With("jti", "j1").With("iat", 1700000000).With("exp", 253402300799)
	code, got := o.explain(t, o.Token(user), "--path", "/run?secret=1", "--method", "POST")
	want := `request   "POST" "/run?secret=1"
route     /run
policy    run
resource  https://api.example.com

   method                       ok
   path                         ok
   Connection header            ok
   policy named by Envoy        not configured
   protected resource metadata  ok
   route                        ok
   public route                 ok
   origin                       not configured
   credentials                  ok
   form of the token            ok
   algorithm                    ok
   issuer                       ok
   key                          ok
   signature                    ok
   claims and times             ok
   kind of token                ok
   audience                     ok
   user or machine              ok
   actor                        ok
   organization                 ok
   organization in the path     not configured
   scopes                       not configured
=> permissions                  missing_permission
   5 more                       not reached

deny      missing_permission, status 403 Forbidden
missing   agents:own
change    the policy's permissions: give the user a role with them in the organization (Kinde: Roles); ` +
		"a new token will have them\n"
	if diff := cmp.Diff(want, got); diff != "" || code != exitFailed {
		t.Errorf("exit code %d, (-want +got)\n%s", code, diff)
	}
	code, got = o.explain(t, "Bearer "+o.Token(user)+"\n", "--path", "/elsewhere", "--header", "x-kinde-user-id",
		"--header", "x-kinde-forged")
	want = `allow     allowed
sets      x-kinde-actor: user
sets      x-kinde-client-id: ` + kindetest.ClientID + `
sets      x-kinde-issuer: https://t.kinde.com
sets      x-kinde-org-code: org_acme
sets      x-kinde-permissions: agents:run,agents:read
sets      x-kinde-roles: admin
sets      x-kinde-scopes: openid profile email offline
sets      x-kinde-token-expires: 253402300799
sets      x-kinde-token-id: j1
sets      x-kinde-user-id: ` + kindetest.UserID + `
removes   x-kinde-assertion x-kinde-email x-kinde-forged x-kinde-omitted
`
	if _, end, _ := strings.Cut(got, "policy of the tool           not configured\n\n"); code != exitFine || end != want {
		t.Errorf("exit code %d, (-want +got)\n%s", code, cmp.Diff(want, end))
	}
}

func TestExplainSaysWhatIsMissing(t *testing.T) {
	o := newOffline(t)
	user, machine := o.UserClaims(), o.MachineClaims()
	for name, row := range map[string]struct {
		token, path string
		policy      string
		reason      authz.Reason
		missing     string
	}{
		"scope": {o.Token(machine.With("scope", "x")), "/internal", "", authz.InsufficientScope, "jobs:run"},
		"role":  {o.Token(user.Without("roles")), "/admin/x", "", authz.MissingRole, "admin"},
		"flag":  {o.Token(user.Without("feature_flags")), "/flags", "", authz.FeatureDisabled, "agent-v2"},
		"machine's flag": {
			o.Token(machine.With("feature_flags", user["feature_flags"])), "/flags", "", authz.FeatureDisabled, "agent-v2",
		},
		"no token":       {"", "/run", "", authz.MissingToken, ""},
		"public":         {"", "/public/x", "", authz.Public, ""},
		"unknown policy": {o.Token(user), "/run", "nobody", authz.UnknownPolicy, ""},
		"Envoy's policy": {o.Token(user), "/run", "internal", authz.ActorNotAllowed, ""},
		"other keys":     {kindetest.New("https://t.kinde.com").Token(user), "/run", "", kinde.BadSignature, ""},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"--format", "json", "--path", row.path}
			if row.policy != "" {
				args = append(args, "--policy", row.policy)
			}
			code, out := o.explain(t, row.token, args...)
			var got explanation
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err)
			}
			reason := got.Reason
			if row.reason == kinde.BadSignature && reason == kinde.UnknownKey {
				reason = row.reason // the two issuers' keys have names of their own
			}
			if reason != row.reason || got.Missing != row.missing || (code == exitFine) != (row.reason == authz.Public) {
				t.Errorf("exit code %d, %s, missing %q", code, got.Reason, got.Missing)
			}
		})
	}
}

// explain and the server are the same code: what is printed is what the server
// answers, for random tokens, settings and paths.
func TestExplainNeverDisagreesWithTheServer(t *testing.T) {
	o := newOffline(t)
	command := &explainCommand{Settings: settings.Decision{Config: o.config}, JWKSFile: o.keys}
	loaded, err := (&settings.Flags{Decision: command.Settings}).Read()
	if err != nil {
		t.Fatal(err)
	}
	loaded.Verifier.Issuers[0].JWKSFile = o.keys
	fetched := make(chan kinde.Refresh, 8)
	loaded.Verifier.Observer.Refreshed = func(r kinde.Refresh) { fetched <- r }
	verifier, server, err := loaded.Build(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer verifier.Start()()
	<-fetched

	random := rand.New(rand.NewPCG(3, 4))
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	seen := map[authz.Reason]int{}
	for range 300 {
		claims := o.UserClaims()
		if random.IntN(3) == 0 {
			claims = o.MachineClaims()
		}
		for name, values := range map[string][]any{
			"org_code":      {"org_two", "org_three", nil},
			"permissions":   {[]string{"agents:run", "agents:own"}, 5},
			"roles":         {[]string{"user"}},
			"aud":           {"x", []string{}},
			"scope":         {"x"},
			"sub":           {"u1", 5},
			"exp":           {1},
			"email":         {"a@b", strings.Repeat("a", 2000)},
			"at_hash":       {"x"},
			"feature_flags": {map[string]any{}},
		} {
			if random.IntN(8) == 0 {
				claims = claims.With(name, values[random.IntN(len(values))])
			}
			if random.IntN(20) == 0 {
				claims = claims.Without(name)
			}
		}
		token := o.Token(claims)
		if random.IntN(10) == 0 {
			token = token[:len(token)-pickInt(random, 3)]
		}
		command.Method, command.Policy = pick("GET", "POST"), nil
		if name := pick("none", "none", "none", "", "internal", "run", "nobody"); name != "none" {
			command.Policy = &name
		}
		command.Path = pick("/public/a", "/run", "/internal", "/flags", "/admin/x", "/orgs/org_acme/x", "/orgs/org_two",
			"/else", "/a//b", "/.well-known/oauth-protected-resource", "/run?x=1")
		request, err := command.request(strings.NewReader(token))
		if err != nil {
			t.Fatal(err)
		}
		again, err := (&settings.Flags{Decision: command.Settings}).Read()
		if err != nil {
			t.Fatal(err)
		}
		explained, faults, err := command.decide(again, request)
		if err != nil || len(faults) > 0 {
			t.Fatal(err, faults)
		}
		got := explain(&explained, request, faults)
		want := server.Decide(t.Context(), request)
		if got.Decision != want.Effect() || got.Reason != want.Reason || got.Policy != want.Policy() ||
			got.Status != want.Status() {
			t.Fatalf("%s %s %v: explained %s %s, served %s %s",
				command.Method, command.Path, claims, got.Decision, got.Reason, want.Effect(), want.Reason)
		}
		set := map[string]string{}
		headers, remove := want.Headers()
		for _, h := range headers {
			set[h.Name] = h.Value
		}
		if !maps.Equal(got.Set, set) || !slices.Equal(got.Remove, remove) {
			t.Fatalf("explained %v, served %v", got.Set, set)
		}
		seen[want.Reason]++
	}
	if len(seen) < 12 {
		t.Errorf("too few reasons were met: %v", seen)
	}
}

func pickInt(random *rand.Rand, n int) int { return 1 + random.IntN(n) }

func TestExplainRefusesWrongUse(t *testing.T) {
	o := newOffline(t)
	for wrong, args := range map[string][]string{
		"no such file":        {"explain", "--config", o.config, "--token-file", "/nowhere"},
		"KINDE_DOMAIN":        {"explain"},
		"--format":            {"explain", "--config", o.config, "--format", "xml"},
		"unexpected argument": {"explain", "--config", o.config, "more"},
	} {
		var out, faults bytes.Buffer
		if code := run(args, strings.NewReader(""), &out, &faults); code != exitUsage ||
			!strings.Contains(faults.String(), wrong) || out.Len() > 0 {
			t.Errorf("%v: exit code %d, %s%s", args, code, out.String(), faults.String())
		}
	}
	var out, faults bytes.Buffer
	code := run([]string{"explain", "--config", o.config, "--jwks-file", "/nowhere"},
		strings.NewReader(o.Token(o.UserClaims())), &out, &faults)
	keys := "keys      " + o.URL + ": jwks_file: open /nowhere"
	if code != exitFailed || !strings.Contains(out.String(), keys) || !strings.Contains(out.String(), "keys_unavailable") {
		t.Errorf("keys that are not there: exit code %d, %s%s", code, out.String(), faults.String())
	}
}

// Bytes that are not UTF-8 would be explained as others than Envoy sends.
func TestArgumentsAreUTF8(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run([]string{"explain", "--body={\"a\":\"\xff\"}"}, strings.NewReader(""), &stdout, &stderr)
	if want := "kinde-authz: argument 2 is not UTF-8\n"; code != 2 || stderr.String() != want || stdout.Len() > 0 {
		t.Errorf("%d, %q, %q, want %q", code, stderr.String(), stdout.String(), want)
	}
}

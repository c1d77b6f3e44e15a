package extauthz_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/protobuf/proto"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// dice make random policies, tokens and requests.
type dice struct{ *rand.Rand }

func (d dice) often() bool  { return d.IntN(3) > 0 }
func (d dice) rarely() bool { return d.IntN(8) == 0 }

// some returns a list of some of the words, nil for none.
func (d dice) some(words ...string) (list []string) {
	for _, word := range words {
		if !d.often() {
			list = append(list, word)
		}
	}
	return list
}

func (d dice) actors() (list []kinde.Actor) {
	if !d.rarely() {
		return nil
	}
	return []kinde.Actor{[]kinde.Actor{kinde.User, kinde.System}[d.IntN(2)]}
}

func (d dice) policy() authz.Policy {
	p := authz.Policy{
		Actors: d.actors(), AllowedOrgs: d.some("org_a", "org_b"), AllowWithoutOrg: !d.often(),
		Scopes: d.some("s1", "s2"), Permissions: d.some("p1", "p2"), Roles: d.some("r1"), Shadow: d.often(),
	}
	if !d.often() {
		p.FeatureFlags = map[string]kinde.FlagValue{"f": kinde.BoolFlag(true)}
	}
	return p
}

// config has policies of which most are in shadow, and a route of each kind.
func (d dice) config(issuer string) authz.Config {
	rules := authz.Rules{Actors: d.actors()}
	if d.rarely() {
		rules.AllowedOrgs = []string{"org_a"}
	}
	policies := map[string]authz.Policy{}
	for _, name := range []string{"default", "one", "two", "tool"} {
		policies[name] = d.policy()
	}
	mcp := &authz.MCP{Tools: []authz.Tool{{Name: "get_*", Policy: "tool"}, {Name: "set", Policy: "two"}}}
	return authz.Config{
		Issuers: map[string]authz.Rules{issuer: rules}, Policies: policies,
		Routes: []authz.Route{
			{Path: "/public", Public: true}, {Path: "/closed", Deny: true}, {Path: "/one/*", Policy: "one"},
			{Path: "/orgs/{org_code}", Policy: "two"}, {Path: "/mcp", Policy: "one", MCP: mcp},
			{Path: "/mcp/{org_code}", Policy: "two", MCP: mcp},
		},
		Resources: []authz.Resource{{Identifier: "https://api.example.com/one", Audience: []string{"https://one"}}},
	}
}

func (d dice) claims(issuer *kindetest.Issuer) kindetest.Claims {
	claims := issuer.UserClaims()
	if !d.often() {
		claims = issuer.MachineClaims()
	}
	claims = claims.With("aud", []string{kindetest.Audience, "https://one"}).With("scope", "").
		With("scp", d.some("s1", "s2")).With("permissions", append(d.some("p1", "p2"), "other"))
	if d.often() {
		claims = claims.With("roles", []string{"r1"})
	}
	switch d.IntN(5) {
	case 0:
		claims = claims.Without("org_code")
	case 1:
		claims = claims.With("org_code", "org_b")
	default:
		claims = claims.With("org_code", "org_a")
	}
	if d.rarely() {
		claims = claims.With("exp", 1).With("iat", 1)
	}
	if d.rarely() {
		claims = claims.With("aud", []string{})
	}
	if d.often() {
		claims = claims.With("feature_flags", map[string]any{"f": map[string]any{"t": "b", "v": true}})
	}
	return claims
}

func (d dice) request(issuer *kindetest.Issuer) request {
	paths := []string{"/one/x", "/orgs/org_a", "/else", "/mcp", "/mcp", "/mcp/org_a"}
	if d.rarely() {
		paths = []string{"/public", "/closed", "/orgs/org_b", "/one//x"}
	}
	r := envoytest.Get(paths[d.IntN(len(paths))])
	if d.often() {
		bodies := []string{
			call("get_x"), call("get_x"), call("set"), call("set"), call("else"), "{", `{"jsonrpc":"2.0","method":"ping"}`,
		}
		r = envoytest.Post(r.Path, bodies[d.IntN(len(bodies))])
	}
	if d.rarely() {
		r = r.Policy([]string{"one", "two", "nobody"}[d.IntN(3)])
	}
	if d.rarely() {
		return r
	}
	return r.Bearer(issuer.Sign(d.claims(issuer)))
}

func call(tool string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `"}}`
}

// told is what is said of one decision, in the metadata and in the log.
type told struct {
	Decision, Reason, Policy string
	Shadow                   string `json:"shadow_reason"`
	Missing                  []string
	challenge                string
}

// ask has a server with these settings answer. The log leaves out every allow that
// may be left out.
func ask(t *testing.T, verifier authz.Verifier, config authz.Config, message []byte) (said told, counted authz.Reason) {
	t.Helper()
	config.Verifier, config.Encode = verifier, extauthz.Encode
	authorizer, err := authz.NewAuthorizer(config)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	core := zapcore.NewCore(encoder, zapcore.AddSync(&log), zap.ErrorLevel)
	server := extauthz.NewServer(authorizer, zap.New(core), nil)
	server.Use(authorizer, 0)
	var response authv3.CheckResponse
	if err := proto.Unmarshal(server.Answer(t.Context(), message, nil), &response); err != nil {
		t.Fatal(err)
	}
	fields := response.GetDynamicMetadata().GetFields()
	said = told{
		Decision: fields["decision"].GetStringValue(), Reason: fields["reason"].GetStringValue(),
		Policy: fields["policy"].GetStringValue(), Shadow: fields["shadow_reason"].GetStringValue(),
	}
	if log.Len() == 0 {
		if said.Decision != "allow" || said.Shadow != "" {
			t.Fatalf("no line for %+v", said)
		}
		return said, ""
	}
	line := told{}
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	said.Missing = line.Missing
	if line.Reason != said.Reason || line.Policy != said.Policy || line.Shadow != said.Shadow {
		t.Fatalf("the log says %+v, the metadata %+v", line, said)
	}
	for _, header := range response.GetDeniedResponse().GetHeaders() {
		if header.GetHeader().GetKey() == "www-authenticate" {
			said.challenge = header.GetHeader().GetValue()
		}
	}
	return said, authz.Reason(said.Shadow)
}

// enforced are the settings with no policy in shadow.
func enforced(config authz.Config) authz.Config {
	policies := map[string]authz.Policy{}
	for name, p := range config.Policies {
		p.Shadow = false
		policies[name] = p
	}
	config.Policies = policies
	return config
}

// emptied are the settings with what policies in shadow want taken out of them.
func emptied(config authz.Config) authz.Config {
	policies := map[string]authz.Policy{}
	for name, p := range config.Policies {
		policies[name] = p
		if p.Shadow {
			policies[name] = authz.Policy{AllowWithoutOrg: p.AllowWithoutOrg}
		}
	}
	config.Policies = policies
	return config
}

// Attack Q18: a policy in shadow denies nothing, whatever the token, the path and the policies
// are, and what it tells is exactly what the same policy would have denied.
func TestShadowTellsWhatWouldBeDenied(t *testing.T) {
	issuer, verifier := envoytest.Issuer(t, kindetest.Audience)
	seen := map[authz.Reason]int{}
	for seed := range uint64(800) {
		d := dice{rand.New(rand.NewPCG(seed, 1))}
		config := d.config(issuer.Issuer.URL)
		message, err := proto.Marshal(d.request(issuer.Issuer).InList())
		if err != nil {
			t.Fatal(err)
		}
		shadow, counted := ask(t, verifier, config, message)
		strict, none := ask(t, verifier, enforced(config), message)
		without, _ := ask(t, verifier, emptied(config), message)
		if none != "" {
			t.Fatalf("seed %d: a policy that is not in shadow tells %s", seed, none)
		}
		want := told{Decision: without.Decision, Reason: without.Reason, Policy: without.Policy, challenge: without.challenge}
		want.Missing = without.Missing
		if strict.Reason != without.Reason || strict.Policy != without.Policy {
			want.Shadow = strict.Reason
			if without.Missing == nil {
				want.Missing = strict.Missing
			}
		}
		if diff := cmp.Diff(want, shadow, cmp.AllowUnexported(told{})); diff != "" {
			t.Fatalf("seed %d: (-want +got)\n%s", seed, diff)
		}
		seen[counted]++
	}
	for _, reason := range authz.ShadowReasons() {
		if seen[reason] == 0 {
			t.Errorf("no case for %s: %v", reason, seen)
		}
	}
	if len(seen) != len(authz.ShadowReasons())+1 {
		t.Errorf("reasons that are none of a policy: %v", seen)
	}
}

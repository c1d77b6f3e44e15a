package authz_test

import (
	"context"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// scene is a request, its token and the state of the service. It is good until
// faults spoil it.
type scene struct {
	method, path, connection, policy string
	origin, body                     string
	scheme, padding, behind          string // of the credentials, of the token, and after it
	header                           map[string]any
	claims                           kindetest.Claims
	forged, unfetched, busy          bool
}

// fault is why a request is denied, and at which step.
type fault struct {
	step   string
	reason authz.Reason
	spoil  func(*scene)
}

// faults are all there are, in the order in which they count. Some write over what
// a later one did: a path is wrong in one way at a time.
var faults = []fault{
	{"method", authz.BadRequest, func(s *scene) { s.method = "get" }},
	{"path", authz.BadPath, func(s *scene) { s.path = "/" + s.path }},
	{"Connection header", authz.BadRequest, func(s *scene) { s.connection = "close, x-kinde-actor" }},
	{"policy named by Envoy", authz.UnknownPolicy, func(s *scene) { s.policy = "nobody" }},
	{
		"protected resource metadata",
		authz.MetadataDocument,
		func(s *scene) { s.method, s.path = "GET", "/.well-known/oauth-protected-resource" },
	},
	{"route", authz.NoRoute, func(s *scene) { s.path = "/else" }},
	{"route", authz.RouteDenied, func(s *scene) { s.path = "/closed" }},
	{"origin", authz.OriginNotAllowed, func(s *scene) { s.origin = "null" }},
	{"credentials", authz.MissingToken, func(s *scene) { s.scheme = "Basic" }},
	{"credentials", authz.MalformedAuthorization, func(s *scene) { s.behind = " and more" }},
	{"form of the token", kinde.MalformedToken, func(s *scene) { s.padding = "==" }},
	{"algorithm", kinde.UnsupportedAlgorithm, func(s *scene) { s.header["alg"] = "RS512" }},
	{"issuer", kinde.WrongIssuer, func(s *scene) { s.claims["iss"] = "https://other.kinde.com" }},
	{"key", kinde.KeysUnavailable, func(s *scene) { s.unfetched = true }},
	{"key", kinde.UnknownKey, func(s *scene) { s.header["kid"] = "aa:bb" }},
	{"signature", kinde.Overloaded, func(s *scene) { s.busy = true }},
	{"signature", kinde.BadSignature, func(s *scene) { s.forged = true }},
	{"claims and times", kinde.InvalidClaims, func(s *scene) { s.claims["azp"] = 1 }},
	{"claims and times", kinde.TokenExpired, func(s *scene) { s.claims["exp"] = time.Now().Add(-time.Hour).Unix() }},
	{"claims and times", kinde.TokenNotYetValid, func(s *scene) { s.claims["nbf"] = time.Now().Add(time.Hour).Unix() }},
	{"kind of token", kinde.NotAnAccessToken, func(s *scene) { s.claims["nonce"] = "n" }},
	{"audience", kinde.EmptyAudience, func(s *scene) { s.claims["aud"] = []string{} }},
	{"audience", kinde.WrongAudience, func(s *scene) { s.claims["aud"] = []string{"https://other.example.com"} }},
	{"user or machine", kinde.UnknownActor, func(s *scene) { delete(s.claims, "sub"); delete(s.claims, "gty") }},
	{
		"actor",
		authz.ActorNotAllowed,
		func(s *scene) { delete(s.claims, "sub"); s.claims["gty"] = []string{"client_credentials"} },
	},
	{"organization", authz.OrgMissing, func(s *scene) { delete(s.claims, "org_code") }},
	{"organization", authz.OrgNotAllowed, func(s *scene) { s.claims["org_code"] = "org_other" }},
	{"organization in the path", authz.OrgMismatch, func(s *scene) { s.path = "/orgs/org_path" }},
	{"scopes", authz.InsufficientScope, func(s *scene) { s.claims["scp"] = []string{"email"} }},
	{"permissions", authz.MissingPermission, func(s *scene) { s.claims["permissions"] = []string{"agents:read"} }},
	{"roles", authz.MissingRole, func(s *scene) { delete(s.claims, "roles") }},
	{"feature flags", authz.FeatureDisabled, func(s *scene) { delete(s.claims, "feature_flags") }},
	{"MCP message", authz.MCPUnreadable, func(s *scene) { s.body = "[" + s.body + "]" }},
	{"tool", authz.ToolNotAllowed, func(s *scene) { s.body = toolCall("sudo") }},
	{"policy of the tool", authz.MissingPermission, func(s *scene) { s.claims["permissions"] = []string{"agents:run"} }},
}

// toolCall is a message that calls a tool.
func toolCall(name string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + name + `"}}`
}

// stage is a service with something to say at every step.
type stage struct {
	issuer, forger            *kindetest.Server
	ready, unfetched, crowded *authz.Authorizer
}

// beforeSignatures are the reasons that need no signature to be verified.
var beforeSignatures = []authz.Reason{
	kinde.MalformedToken, kinde.UnsupportedAlgorithm, kinde.WrongIssuer, kinde.KeysUnavailable, kinde.UnknownKey,
}

// crowded is a verifier that has no room for one more signature. That kinde does
// answer so at this place is shown there.
type crowded struct{ authz.Verifier }

func (c crowded) Judge(ctx context.Context, token string) kinde.Verdict {
	verdict := c.Verifier.Judge(ctx, token)
	switch refused, _ := verdict.Err.(*kinde.Error); { //nolint:errorlint // it is always one
	case refused == nil:
	case slices.Contains(beforeSignatures, refused.Reason):
		return verdict
	}
	return kinde.Verdict{Err: &kinde.Error{Reason: kinde.Overloaded}}
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{issuer: kindetest.NewServer(), forger: kindetest.NewServer()}
	t.Cleanup(s.issuer.Close)
	t.Cleanup(s.forger.Close)
	fetched := make(chan kinde.Refresh, 64)
	verifier := func() *kinde.Verifier {
		v, err := kinde.NewVerifier(kinde.Config{
			Issuers: []kinde.Issuer{{Domain: s.issuer.Issuer.URL, Audience: []string{kindetest.Audience}}}, InsecureHTTP: true,
			Observer: kinde.Observer{Refreshed: func(r kinde.Refresh) { fetched <- r }},
		})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	ready := verifier()
	t.Cleanup(ready.Start())
	<-fetched
	s.ready, s.crowded, s.unfetched = s.authorizer(t, ready), s.authorizer(t, crowded{ready}), s.authorizer(t, verifier())
	return s
}

func (s *stage) authorizer(t *testing.T, verifier authz.Verifier) *authz.Authorizer {
	t.Helper()
	a, err := authz.NewAuthorizer(authz.Config{
		Verifier: verifier, Issuers: map[string]authz.Rules{s.issuer.Issuer.URL: {}},
		Policies: map[string]authz.Policy{"all": {
			Actors:       []kinde.Actor{kinde.User},
			AllowedOrgs:  []string{kindetest.Org},
			Scopes:       []string{"openid"},
			Permissions:  []string{"agents:run"},
			Roles:        []string{"admin"},
			FeatureFlags: map[string]kinde.FlagValue{"theme": kinde.StringFlag("pink")},
		}, "read": {Permissions: []string{"agents:read"}}},
		Routes: []authz.Route{
			{Path: "/orgs/{org_code}", Policy: "all", MCP: &authz.MCP{
				Origins: []string{"https://app.example.com"}, Tools: []authz.Tool{{Name: "get_*", Policy: "read"}},
			}},
			{Path: "/closed", Deny: true},
			{Path: "/public", Public: true},
		},
		Resources: []authz.Resource{{Identifier: "https://api.example.com"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// decide decides on a request with these faults.
func (s *stage) decide(t *testing.T, faults []fault, change func(*scene)) authz.Decision {
	t.Helper()
	now := &scene{
		method: "POST", path: "/orgs/" + kindetest.Org, origin: "https://app.example.com", body: toolCall("get_x"), scheme: "Bearer", header: s.issuer.Header(),
		claims: s.issuer.UserClaims(),
	}
	for _, f := range slices.Backward(faults) {
		f.spoil(now)
	}
	change(now)
	signer, authorizer := s.issuer, s.ready
	if now.forged {
		signer = s.forger
	}
	switch {
	case now.unfetched:
		authorizer = s.unfetched
	case now.busy:
		authorizer = s.crowded
	}
	headers := map[string]string{
		"authorization": now.scheme + " " + signer.SignAs(now.header, now.claims) + now.padding + now.behind,
		"connection":    now.connection,
		"origin":        now.origin,
	}
	extensions := map[string]string{}
	if now.policy != "" {
		extensions["policy"] = now.policy
	}
	request := authz.NewRequest(now.method, now.path, headers, extensions)
	request.Body = now.body
	return authorizer.Decide(t.Context(), request)
}

func asItIs(*scene) {}

// Attack Q16: of all that is wrong with a request, the first in the order of the
// faults is the reason; what comes before it passed, and nothing behind it was
// looked at.
func TestTheFirstFaultIsTheReason(t *testing.T) {
	s := newStage(t)
	for n, f := range faults {
		t.Run(f.step+": "+string(f.reason), func(t *testing.T) {
			for what, spoiled := range map[string][]fault{"alone": {f}, "with all behind it": faults[n:]} {
				d := s.decide(t, spoiled, asItIs)
				if d.Reason != f.reason {
					t.Fatalf("%s: got %s (%s)", what, d.Reason, d.Detail)
				}
				assertSteps(t, &d, f.step, "")
			}
		})
	}
}

// assertSteps checks that a decision was made at a step, none for an allow.
func assertSteps(t *testing.T, d *authz.Decision, decided, named string) {
	t.Helper()
	outcome := authz.Passed
	for _, step := range d.Steps() {
		want := outcome
		switch {
		case step.Name == decided:
			want, outcome = authz.Decided, authz.NotReached
		case step.Name == "policy named by Envoy" && want == authz.Passed && named == "":
			want = authz.NotConfigured
		}
		if step.Outcome != want {
			t.Errorf("step %q: %s, want %s", step.Name, step.Outcome, want)
		}
	}
	if decided != "" && outcome != authz.NotReached {
		t.Errorf("there is no step %q", decided)
	}
}

func TestStepsOfDecisionsWithoutAFault(t *testing.T) {
	s, credentials := newStage(t), slices.IndexFunc(faults, func(f fault) bool { return f.step == "credentials" })
	for name, test := range map[string]struct {
		faults  []fault
		change  func(*scene)
		reason  authz.Reason
		decided string
		named   string
	}{
		"allowed":                      {nil, asItIs, authz.Allowed, "", ""},
		"allowed by a policy of Envoy": {nil, func(s *scene) { s.policy = "all" }, authz.Allowed, "", "all"},
		"public, whatever else is sent": {
			faults[credentials:], func(s *scene) { s.path = "/public" }, authz.Public, "public route", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := s.decide(t, test.faults, test.change)
			if d.Reason != test.reason || !d.Allowed() {
				t.Fatalf("got %s (%s)", d.Reason, d.Detail)
			}
			assertSteps(t, &d, test.decided, test.named)
		})
	}
	fault := authz.Denial(authz.InternalError, "")
	for _, step := range fault.Steps() {
		if step.Outcome != authz.NotReached {
			t.Errorf("after a fault of the service the step %q is %s", step.Name, step.Outcome)
		}
	}
}

// The faults above are complete, and the steps and the page of reasons are in the
// same order.
func TestTheOrderIsTheSameEverywhere(t *testing.T) {
	var steps []string
	reasons := []string{string(authz.Allowed), string(authz.Public)}
	for _, f := range faults {
		if f.step == "origin" && !slices.Contains(steps, f.step) {
			steps = append(steps, "public route")
		}
		steps, reasons = appendNew(steps, f.step), appendNew(reasons, string(f.reason))
	}
	reasons = append(reasons, string(authz.InternalError))

	var all []string
	for _, reason := range authz.Reasons() {
		all = append(all, string(reason))
	}
	if diff := cmp.Diff(all, slices.Sorted(slices.Values(reasons))); diff != "" {
		t.Errorf("reasons without a fault: (-want +got)\n%s", diff)
	}
	var asked []string
	for _, step := range new(authz.Decision).Steps() {
		asked = append(asked, step.Name)
	}
	if diff := cmp.Diff(steps, asked); diff != "" {
		t.Errorf("steps: (-want +got)\n%s", diff)
	}
	page, err := os.ReadFile("../docs/reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		documented = append(documented, row[1])
	}
	if diff := cmp.Diff(reasons, documented); diff != "" {
		t.Errorf("docs/reasons.md: (-want +got)\n%s", diff)
	}
}

func appendNew(list []string, item string) []string {
	if slices.Contains(list, item) {
		return list
	}
	return append(list, item)
}

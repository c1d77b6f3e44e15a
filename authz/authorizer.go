package authz

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// Verifier decides on tokens. [kinde.Verifier] is one.
type Verifier interface {
	// Judge says what a token is, and for how long it will say the same. It
	// keeps no part of the text of the token.
	Judge(ctx context.Context, token string) kinde.Verdict
}

// Config says what an [Authorizer] lets pass.
type Config struct {
	// Verifier verifies the tokens. It is required.
	Verifier Verifier
	// Issuers holds the rules for the tokens of each issuer, by its domain. A
	// token of an issuer without rules does not pass.
	Issuers map[string]Rules
	// Policies are what routes and Envoy choose from by name. The one named
	// default applies where nothing else is chosen.
	Policies map[string]Policy
	// Routes choose a policy by path; the first that matches does. A request
	// that none matches gets the policy default, and is denied where there is
	// none of that name. Without routes and resources, path and method decide
	// nothing and are not judged.
	Routes []Route
	// ClaimHeaders are the claims that the upstream gets, beside the identity,
	// each in a header of its own: names of claims, as for [kinde.Token.Claim],
	// by the names of the headers.
	ClaimHeaders map[string]string
	// Assertion has each allow with an identity signed for the upstream. Nil is no
	// assertion.
	Assertion *Assertion
	// Resources are what clients can discover of the APIs behind. No two have
	// the same path.
	Resources []Resource
	// DropAuthorization keeps the Authorization header from the upstream.
	DropAuthorization bool
	// CachedTokens is how many verified tokens are remembered, about: one with
	// many headers counts for several. Zero is none.
	CachedTokens int
	// Cache counts what is found among them. Nil counts nothing.
	Cache *CacheCounters
	// Encode writes the headers of an allow once a token, in the form in which
	// an adapter sends them; see [Decision.Encoded]. Nil leaves them as they are,
	// for [Decision.Headers].
	Encode Encoder
}

// Authorizer makes decisions. It does not change, so its methods may be called
// at the same time.
type Authorizer struct {
	verifier   Verifier
	identities identities
	policies   policies
	routes     *routes
	unrouted   *route // where no route matches
	headers    *headers
	resources  *resources
	asked      questions
	cache      *tokenCache // nil for none
}

// NewAuthorizer checks and compiles the configuration. What is wrong with a
// setting is a [kinde.ConfigError], whose path names an issuer by its domain.
func NewAuthorizer(config Config) (*Authorizer, error) {
	if config.Verifier == nil {
		return nil, errors.New("no verifier")
	}
	a := &Authorizer{verifier: config.Verifier}
	var err error
	if a.identities.issuers, err = compileIssuers(config.Issuers); err != nil {
		return nil, err
	}
	if a.policies, a.identities.requirements, err = compilePolicies(config.Policies); err != nil {
		return nil, err
	}
	if a.routes, err = compileRoutes(config.Routes, a.policies); err != nil {
		return nil, err
	}
	if a.headers, err = compileHeaders(config.ClaimHeaders, config.DropAuthorization, config.Encode); err != nil {
		return nil, err
	}
	if a.resources, err = compileResources(config.Resources); err != nil {
		return nil, err
	}
	if a.cache, err = newTokenCache(config.CachedTokens, config.Cache); err != nil {
		return nil, err
	}
	if a.identities.signer, err = config.Assertion.compile(); err != nil {
		return nil, err
	}
	a.identities.headers, a.identities.resources = a.headers, a.resources
	a.asked = questions{any: true, paths: a.routes != nil || a.resources != nil, routes: a.routes != nil}
	a.asked.resources = a.resources != nil
	a.unrouted = &route{number: -1, pattern: pattern{org: -1}, policy: a.policies.of("")}
	if a.routes != nil && a.policies[defaultPolicy] == nil {
		a.unrouted.policy, a.unrouted.deny = nil, NoRoute
	}
	return a, nil
}

// CachedTokens returns how many verified tokens are remembered now, about.
func (a *Authorizer) CachedTokens() int { return a.cache.size() }

// Decide decides on one request. It waits only while the issuer's keys are
// fetched, for the first time or for a token that names a new one, and answers before
// ctx's deadline even then.
func (a *Authorizer) Decide(ctx context.Context, request *Request) Decision {
	var d Decision
	at, refused := a.place(request)
	switch refused {
	case "":
		d = a.decide(ctx, request, &at)
	case BadRequest:
		d = denyRequest(methodDetail)
	default:
		d = deny(refused, nil, nil)
	}
	d.ID, d.asked, d.route = newID(), a.asked, at.route
	d.named, d.origin = request.Extensions != (Extensions{}), len(request.Origin) > 0
	d.reads = at.route.mcp.carriesMessage(request)
	if d.resource == nil {
		d.resource = at.resource
	}
	return d
}

// place is what a request asks for.
type place struct {
	path     string // canonical, without the slashes around it
	route    *route
	resource *resource // nil where it belongs to none
}

// decide is the whole decision, in the order in which the reasons count.
func (a *Authorizer) decide(ctx context.Context, request *Request, at *place) Decision {
	if request.dropsIdentity() {
		return denyRequest(connectionDetail)
	}
	policy, ok := a.policy(request.Extensions, at.route)
	if !ok {
		return deny(UnknownPolicy, nil, nil)
	}
	if described := a.resources.described(at.path, request); described != nil {
		return describe(described, request)
	}
	if at.route.deny == RouteDenied || policy == nil {
		return deny(at.route.deny, nil, nil)
	}
	if policy == public {
		return allowPublic(a.headers, a.headers.extra(request, &a.headers.none))
	}
	if !at.route.mcp.admitsOrigin(request.Origin) {
		return deny(OriginNotAllowed, policy, nil)
	}
	bearer, err := kinde.ParseAuthorization(request.Authorization)
	if err != nil {
		return deny(refusal(err).Reason, policy, nil)
	}
	id := a.identify(ctx, bearer)
	if refused := id.refuse(at.resource); refused != nil {
		return denyToken(refused, policy, id)
	}
	return a.decidePolicy(request, at, policy, id)
}

// decidePolicy decides on a request whose token is good.
func (a *Authorizer) decidePolicy(request *Request, at *place, policy *policy, id *identity) (d Decision) {
	org, inPath := at.route.org(at.path)
	refused, shadowed := policy.judge(id, org, inPath)
	switch {
	case refused != "":
		d = deny(refused, policy, id)
		if refused == InsufficientScope {
			d.tool = at.route.mcp.toolPolicy(request)
		}
	case at.route.mcp.carriesMessage(request):
		d = a.decideMessage(request, at, policy, id)
	default:
		d = a.allow(request, policy, id)
	}
	d.judged = true
	d.shadow(policy, shadowed) // before that of a tool
	return d
}

func (a *Authorizer) allow(request *Request, policy *policy, id *identity) Decision {
	return allow(policy, id, a.headers.extra(request, &id.headers))
}

// decideMessage decides on the message of a request that may pass otherwise.
func (a *Authorizer) decideMessage(request *Request, at *place, policy *policy, id *identity) (d Decision) {
	message, unreadable := at.route.mcp.read(request)
	var called *tool
	if message.tool() != "" {
		called = at.route.mcp.find(message.tool())
	}
	switch {
	case unreadable != "":
		d = deny(MCPUnreadable, policy, id)
		d.Detail = unreadable
	case message.tool() == "":
		d = a.allow(request, policy, id)
	case called == nil:
		d = deny(ToolNotAllowed, policy, id)
	default:
		d = a.decideTool(request, at, policy, called.policy, id)
	}
	d.message, d.called = message, called
	return d
}

// decideTool decides on a call of a tool whose policy, if it has one, must hold too.
func (a *Authorizer) decideTool(request *Request, at *place, policy, added *policy, id *identity) (d Decision) {
	if added == nil {
		return a.allow(request, policy, id)
	}
	org, inPath := at.route.org(at.path)
	refused, shadowed := added.judge(id, org, inPath)
	if refused != "" {
		d = deny(refused, policy, id)
		d.byTool = true
	} else {
		d = a.allow(request, policy, id)
	}
	d.tool = added
	d.shadow(added, shadowed)
	return d
}

// identify returns what the token says, as it is remembered or once it is
// verified.
func (a *Authorizer) identify(ctx context.Context, token string) *identity {
	key := digest(sha256.Sum256(bytesOf(token)))
	if id := a.cache.get(key); id != nil {
		return id
	}
	verdict := a.verifier.Judge(ctx, token)
	id := a.identities.of(&verdict)
	a.cache.put(key, id)
	return id
}

// place returns what a request asks for, or the reason of the denial of one whose
// method or path can be read in more than one way.
func (a *Authorizer) place(request *Request) (at place, refused Reason) {
	at.route = a.unrouted
	if !a.asked.paths {
		return at, ""
	}
	method, path, ok := isMethod(request.Method), "", false
	if path, ok = canonicalPath(request.Path); ok {
		at.path = path
		at.resource, ok = a.resources.of(path, request)
	}
	switch {
	case !method:
		return at, BadRequest
	case ok && a.routes != nil:
		var matched *route
		if matched, ok = a.routes.match(path, request); matched != nil {
			at.route = matched
		}
	}
	if !ok {
		at.resource = nil
		return at, BadPath
	}
	return at, ""
}

// policy returns the policy that Envoy asks for, else that of the route, nil where
// that has none. What Envoy says and nobody here understands is a denial: it may
// have been meant to restrict.
func (a *Authorizer) policy(extensions Extensions, route *route) (*policy, bool) {
	if extensions == (Extensions{}) {
		return route.policy, true
	}
	policy := a.policies[extensions.Policy]
	return policy, extensions.Named && !extensions.Unknown && policy != nil
}

// denyToken is the denial for a token that is refused.
func denyToken(refused *kinde.Error, policy *policy, id *identity) Decision {
	d := deny(refused.Reason, policy, id)
	d.Detail = refused.Detail
	return d
}

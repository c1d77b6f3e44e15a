package authz

import (
	"context"
	"errors"
	"fmt"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// Verifier decides on tokens. [kinde.Verifier] is one.
type Verifier interface {
	// Verify returns the verified token, or a [*kinde.Error]; with
	// [kinde.UnknownActor] it returns both.
	Verify(ctx context.Context, token string) (*kinde.Token, error)
}

// Config says what an [Authorizer] lets pass.
type Config struct {
	// Verifier verifies the tokens. It is required.
	Verifier Verifier
	// Issuers holds the rules for the tokens of each issuer, by its domain. A
	// token of an issuer without rules does not pass.
	Issuers map[string]Rules
	// Policies are what routes and Envoy choose from by name. The one named
	// default applies where nothing else is chosen; when it is missing, it
	// wants nothing.
	Policies map[string]Policy
	// Routes choose a policy by path; the first that matches does. Without
	// routes the path decides nothing and is not judged.
	Routes []Route
	// ClaimHeaders are the claims that the upstream gets, beside the identity,
	// each in a header of its own: names of claims, as for [kinde.Token.Claim],
	// by the names of the headers.
	ClaimHeaders map[string]string
	// Resource is what clients can discover of the API behind. Nil is nothing.
	Resource *Resource
	// DropAuthorization keeps the Authorization header from the upstream.
	DropAuthorization bool
	// UnloggedAllows is the share of allows that get no line in the log, from
	// 0 to 1.
	UnloggedAllows float64
}

// Authorizer makes decisions. It does not change, so its methods may be called
// at the same time.
type Authorizer struct {
	verifier       Verifier
	issuers        map[string]*rules
	policies       map[string]*policy
	routes         *routes
	unrouted       *route // where no route matches
	headers        *headers
	resource       *resource
	unloggedAllows float64
}

// NewAuthorizer checks and compiles the configuration.
func NewAuthorizer(config Config) (*Authorizer, error) {
	if config.Verifier == nil {
		return nil, errors.New("no verifier")
	}
	a := &Authorizer{verifier: config.Verifier, issuers: make(map[string]*rules, len(config.Issuers)), unloggedAllows: config.UnloggedAllows}
	for domain, rules := range config.Issuers {
		compiled, err := rules.compile()
		if err != nil {
			return nil, fmt.Errorf("issuer %s: %w", domain, err)
		}
		a.issuers[domain] = compiled
	}
	var err error
	if a.policies, err = compilePolicies(config.Policies); err != nil {
		return nil, err
	}
	if a.routes, err = compileRoutes(config.Routes, a.policies); err != nil {
		return nil, err
	}
	if a.headers, err = compileHeaders(config.ClaimHeaders, config.DropAuthorization); err != nil {
		return nil, err
	}
	if a.resource, err = config.Resource.compile(); err != nil {
		return nil, err
	}
	a.unrouted = &route{pattern: pattern{org: -1}, policy: a.policies[defaultPolicy]}
	return a, nil
}

// Decide decides on one request. It waits only while the issuer's keys are
// fetched for a token that names a new one, and answers before ctx's deadline
// even then.
func (a *Authorizer) Decide(ctx context.Context, request *Request) Decision {
	route, path, ok := a.route(request)
	if !ok {
		return a.finish(deny(BadPath, nil, nil), a.unrouted)
	}
	return a.finish(a.decide(ctx, request, route, path), route)
}

// finish adds what every decision has.
func (a *Authorizer) finish(d Decision, route *route) Decision {
	d.ID, d.Route, d.resource = newID(), route.path, a.resource
	return d
}

// decide is the whole decision, in the order in which the reasons count.
func (a *Authorizer) decide(ctx context.Context, request *Request, route *route, path string) Decision {
	if request.dropsIdentity() {
		return deny(BadRequest, nil, nil)
	}
	policy, ok := a.policy(request.Extensions, route)
	if !ok {
		return deny(UnknownPolicy, nil, nil)
	}
	if a.resource.describedBy(request) {
		return deny(MetadataDocument, nil, nil)
	}
	if policy == public {
		return allowPublic(a.headers.remove(request, nil))
	}
	bearer, refused := bearerToken(request.Authorization)
	if refused != "" {
		return deny(refused, policy, nil)
	}
	token, err := a.verifier.Verify(ctx, bearer)
	if err != nil {
		return denyToken(err, policy, token)
	}
	rules := a.issuers[token.Issuer]
	if rules == nil {
		return deny(kinde.WrongIssuer, policy, nil)
	}
	org, inPath := route.org(path)
	if refused := policy.refuse(token, rules, org, inPath); refused != "" {
		return deny(refused, policy, token)
	}
	set := a.headers.of(token)
	return allow(policy, token, set, a.headers.remove(request, set))
}

// route returns the route of a request and its canonical path, or false for a
// path that is not canonical.
func (a *Authorizer) route(request *Request) (*route, string, bool) {
	if a.routes == nil {
		return a.unrouted, "", true
	}
	path, ok := canonicalPath(request.Path)
	if !ok {
		return nil, "", false
	}
	if matched := a.routes.match(path, request); matched != nil {
		return matched, path, true
	}
	return a.unrouted, path, true
}

// policy returns the policy that Envoy asks for, else that of the route. What Envoy says and nobody here understands is a denial: it may
// have been meant to restrict.
func (a *Authorizer) policy(extensions map[string]string, route *route) (*policy, bool) {
	if len(extensions) == 0 {
		return route.policy, route.policy != nil
	}
	policy := a.policies[extensions["policy"]]
	return policy, len(extensions) == 1 && policy != nil
}

// denyToken is the denial for a token that was refused.
func denyToken(err error, policy *policy, token *kinde.Token) Decision {
	var refused *kinde.Error
	if !errors.As(err, &refused) {
		return deny(InternalError, policy, nil)
	}
	d := deny(refused.Reason, policy, token)
	d.Detail = refused.Detail
	return d
}

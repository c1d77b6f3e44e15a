package authz

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Route says which policy applies to the paths it matches.
type Route struct {
	// Path is what the request's path is compared with, by segment and in
	// exact case, without query: literal segments, * or {name} for any one
	// segment, ** at the end for the rest, which may be nothing. The segment
	// {org_code} must be the token's organization.
	Path string
	// Methods are those that match, in upper case. Nil is all. GET covers HEAD
	// too. A public route for OPTIONS alone matches only browsers' preflights.
	Methods []string
	// Policy is the name of the policy. Empty is default, or, where there is
	// none of that name, a policy that asks nothing.
	Policy string
	// Public lets every request pass, without identity. It takes no policy.
	Public bool
	// Deny lets no request pass, whatever policy Envoy names. It takes no
	// policy and is not public.
	Deny bool
	// MCP says that the route leads to a server of the Model Context Protocol.
	// Nil is none. A public route and one that denies take none.
	MCP *MCP
}

func checkMethod(method string) error {
	if !isMethod(method) {
		return fmt.Errorf("%q: want a method in upper case, like GET", method)
	}
	return nil
}

// route is a Route, ready for use.
type route struct {
	number    int // among all routes
	path      string
	pattern   pattern
	methods   []string
	policy    *policy // public for everyone, nil for nobody
	deny      Reason  // why nobody passes; empty where somebody may
	preflight bool    // matches browsers' preflights alone
	mcp       *mcp    // nil where no message is to be read
}

func (r Route) compile(policies policies) (*route, error) {
	pattern, err := parsePattern(r.Path)
	if err != nil {
		return nil, at(err, "path")
	}
	if err := checkEach("methods", r.Methods, checkMethod); err != nil {
		return nil, err
	}
	compiled := &route{path: r.Path, pattern: pattern, methods: slices.Clone(r.Methods)}
	if compiled.mcp, err = r.MCP.compile(policies); err != nil {
		return nil, at(err, "mcp")
	}
	policy := policies.of(r.Policy)
	switch {
	case policy == nil:
		return nil, at(fmt.Errorf("no policy is named %q", r.Policy), "policy")
	case r.Public && r.Deny:
		return nil, at(errors.New("a route is public or denies, not both"), "deny")
	case r.Public && r.Policy != "":
		return nil, at(errors.New("a public route takes no policy"), "policy")
	case r.Deny && r.Policy != "":
		return nil, at(errors.New("a route that denies takes no policy"), "policy")
	case r.Public && r.MCP != nil:
		return nil, at(errors.New("a public route takes no mcp: nobody is asked who may call"), "mcp")
	case r.Deny && r.MCP != nil:
		return nil, at(errors.New("a route that denies takes no mcp"), "mcp")
	case r.Public && pattern.org >= 0:
		return nil, at(errors.New("a public route has no token to compare {org_code} with: use * for any segment"), "path")
	case r.Public:
		compiled.policy, compiled.preflight = public, slices.Equal(r.Methods, []string{"OPTIONS"})
	case r.Deny:
		compiled.deny = RouteDenied
	default:
		compiled.policy = policy
	}
	return compiled, nil
}

// takes reports whether the route is for such a request, whatever its path.
func (r *route) takes(request *Request) bool {
	if r.preflight && !request.isPreflight() {
		return false
	}
	return r.methods == nil || slices.Contains(r.methods, request.Method) ||
		request.Method == "HEAD" && slices.Contains(r.methods, "GET")
}

// org returns the organization that the path names, and whether the route
// binds one. The path is canonical and matches.
func (r *route) org(path string) (code string, binds bool) {
	if r.pattern.org < 0 {
		return "", false
	}
	for range r.pattern.org {
		_, path, _ = strings.Cut(path, "/")
	}
	code, _, _ = strings.Cut(path, "/")
	return code, true
}

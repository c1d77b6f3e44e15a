package authz

import (
	"cmp"
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
	// Methods are those that match, in upper case. Nil is all. A public route
	// for OPTIONS alone matches only browsers' preflights.
	Methods []string
	// Policy is the name of the policy. Empty is default.
	Policy string
	// Public lets every request pass, without identity. It takes no policy.
	Public bool
}

// CheckPath reports what is wrong with the path of a route.
func CheckPath(path string) error {
	_, err := parsePattern(path)
	return err
}

// CheckMethod reports what is wrong with a method of a route.
func CheckMethod(method string) error {
	for i := range len(method) {
		if c := method[i]; (c < 'A' || c > 'Z') && c != '-' {
			return fmt.Errorf("%q: want a method in upper case, like GET", method)
		}
	}
	if method == "" {
		return fmt.Errorf("%q: want a method in upper case, like GET", method)
	}
	return nil
}

// route is a Route, ready for use.
type route struct {
	path      string
	pattern   pattern
	methods   []string
	policy    *policy // the one named public for everyone
	preflight bool    // matches browsers' preflights alone
}

func (r Route) compile(policies map[string]*policy) (*route, error) {
	pattern, err := parsePattern(r.Path)
	if err != nil {
		return nil, fmt.Errorf("path %w", err)
	}
	if r.Methods != nil && len(r.Methods) == 0 {
		return nil, errors.New("methods is empty: name at least one, or leave it out")
	}
	for _, method := range r.Methods {
		if err := CheckMethod(method); err != nil {
			return nil, fmt.Errorf("methods: %w", err)
		}
	}
	compiled := &route{path: r.Path, pattern: pattern, methods: slices.Clone(r.Methods), policy: policies[cmp.Or(r.Policy, defaultPolicy)]}
	switch {
	case r.Public && r.Policy != "":
		return nil, errors.New("a public route takes no policy")
	case r.Public && pattern.org >= 0:
		return nil, errors.New("a public route has no token to compare {org_code} with: write {org}")
	case r.Public:
		compiled.policy, compiled.preflight = public, slices.Equal(r.Methods, []string{"OPTIONS"})
	case compiled.policy == nil:
		return nil, fmt.Errorf("no policy is named %q", r.Policy)
	}
	return compiled, nil
}

// Check reports what is wrong with the route, among these policies.
func (r Route) Check(policies map[string]Policy) error {
	names := map[string]*policy{defaultPolicy: {}}
	for name := range policies {
		names[name] = &policy{}
	}
	_, err := r.compile(names)
	return err
}

// takes reports whether the route is for such a request, whatever its path.
func (r *route) takes(request *Request) bool {
	if r.preflight && !request.isPreflight() {
		return false
	}
	return r.methods == nil || slices.Contains(r.methods, request.Method)
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

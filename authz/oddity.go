package authz

import (
	"fmt"
	"maps"
	"slices"
)

// Oddity is a part of a configuration that is not wrong, and hardly meant.
type Oddity struct {
	// Route is the number of the route it is about, from 0; -1 for none.
	Route int
	// Policy is the name of the policy it is about, if any.
	Policy string
	// Text says what is odd.
	Text string
}

// Oddities returns what is odd about a configuration that [NewAuthorizer]
// accepts: policies that no route uses, routes that name no policy, and routes
// that can never match because earlier ones cover them.
func Oddities(config Config) []Oddity {
	policies, _, err := compilePolicies(config.Policies)
	if err != nil {
		return nil
	}
	table, err := compileRoutes(config.Routes, policies)
	if err != nil || table == nil {
		return unusedPolicies(config)
	}
	var odd []Oddity
	for number, r := range config.Routes {
		if !r.Public && r.Policy == "" {
			odd = append(odd, Oddity{number, "", fmt.Sprintf("route %s names no policy: default applies", r.Path)})
		}
		if earlier, covered := table.coveredBy(number); covered {
			odd = append(odd, Oddity{number, "", fmt.Sprintf("route %s can never match: route %s, earlier, covers it", r.Path, earlier.path)})
		}
	}
	return append(odd, unusedPolicies(config)...)
}

func unusedPolicies(config Config) []Oddity {
	var odd []Oddity
	for _, name := range slices.Sorted(maps.Keys(config.Policies)) {
		used := name == defaultPolicy || slices.ContainsFunc(config.Routes, func(r Route) bool { return r.Policy == name })
		if !used {
			odd = append(odd, Oddity{-1, name, fmt.Sprintf("policy %s is used by no route: only context_extensions of Envoy can choose it", name)})
		}
	}
	return odd
}

// coveredBy returns the earlier route without which one would match something,
// if earlier ones take all requests that it would.
func (t *routes) coveredBy(number int) (*route, bool) {
	covered := t.all[number]
	missing := slices.Clone(covered.methods)
	for _, earlier := range t.all[:number] {
		if earlier.preflight && !covered.preflight || !earlier.pattern.covers(&covered.pattern) {
			continue
		}
		missing = slices.DeleteFunc(missing, func(m string) bool { return slices.Contains(earlier.methods, m) })
		if earlier.methods == nil || covered.methods != nil && len(missing) == 0 {
			return earlier, true
		}
	}
	return nil, false
}

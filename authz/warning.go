package authz

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Warning is a part of a configuration that is valid and probably a mistake.
type Warning struct {
	// Path leads to the setting, as in [kinde.ConfigError].
	Path []string
	// Text says what may go wrong and what to change.
	Text string
}

// Warnings returns what is valid and dangerous in a configuration that
// [NewAuthorizer] accepts: segments of routes that look like a binding to the
// token's organization and are none, public routes that cover others, routes
// that cannot match, entries of tools that are never looked at, Envoy's metadata as
// messages, policies that no route and no tool names or that are in shadow, and one
// that is named almost like the default policy.
func Warnings(config Config) []Warning {
	policies, _, err := compilePolicies(config.Policies)
	if err != nil {
		return nil
	}
	table, err := compileRoutes(config.Routes, policies)
	if err != nil {
		return nil
	}
	var all []Warning
	for number := range config.Routes {
		for _, text := range table.warnings(number) {
			all = append(all, Warning{[]string{"routes", strconv.Itoa(number)}, text})
		}
		all = append(all, table.mcpWarnings(number)...)
	}
	for _, name := range slices.Sorted(maps.Keys(config.Policies)) {
		if text := config.unused(name); text != "" {
			all = append(all, Warning{[]string{"policies", name}, text})
		}
		if config.Policies[name].Shadow {
			all = append(all, Warning{[]string{"policies", name}, fmt.Sprintf(inShadow, name)})
		}
	}
	return all
}

const inShadow = "policy %s is in shadow: it denies nothing, and what it would deny is counted in " +
	"kinde_authz_shadow_denials_total: remove shadow to enforce it"

// uses reports whether a route, or a tool of it, names a policy.
func (r *Route) uses(name string) bool {
	return r.Policy == name ||
		r.MCP != nil && slices.ContainsFunc(r.MCP.Tools, func(t Tool) bool { return t.Policy == name })
}

// unused warns of a policy that no route and no tool names. The default policy applies to
// what no route matches, so that one is always used. Without routes Envoy may
// choose among all.
func (c Config) unused(name string) string {
	switch {
	case name == defaultPolicy || slices.ContainsFunc(c.Routes, func(r Route) bool { return r.uses(name) }):
		return ""
	case strings.EqualFold(name, defaultPolicy):
		return fmt.Sprintf("policy %s is not the default policy: write %s, in lower case", name, defaultPolicy)
	case len(c.Routes) == 0:
		return ""
	default:
		return fmt.Sprintf("no route and no tool names policy %s: it applies only where Envoy names it in context_extensions", name)
	}
}

// warnings returns what to warn of in one route.
func (t *routes) warnings(number int) (texts []string) {
	r := t.all[number]
	switch r.policy {
	case nil: // it denies everyone
	case public:
		texts = t.opened(number)
	default:
		texts = r.unboundSegments()
	}
	if earlier := t.coveredAs(number, sameCase); earlier != nil {
		return append(texts, fmt.Sprintf("route %s is unreachable: the earlier route %s takes every request it would match", r.path, earlier.path))
	}
	if earlier, covered := t.coveredBy(number); covered {
		texts = append(texts, fmt.Sprintf("route %s is unreachable: its paths match the earlier route %s when case is ignored, so they are refused as bad_path",
			r.path, earlier.path))
	}
	return texts
}

// unboundSegments warns of segments that read as if they had to be the token's
// organization, and match any.
func (r *route) unboundSegments() (texts []string) {
	for segment := range strings.SplitSeq(strings.Trim(r.path, "/"), "/") {
		if !looksBound(segment) {
			continue
		}
		matches := "matches any segment"
		if name := decoded(segment); segment[0] != '{' {
			matches = fmt.Sprintf("matches only the text %q", name)
		}
		texts = append(texts, fmt.Sprintf("route %s: segment %s %s and is not compared with the token's organization: write {org_code}, or use another name",
			r.path, segment, matches))
	}
	return texts
}

// looksBound reports whether a segment of a route looks like {org_code}, in the
// notation of this or of another router, and is not.
func looksBound(segment string) bool {
	text := decoded(segment)
	if text == "{org_code}" && segment == text {
		return false
	}
	name := strings.Trim(text, "{}:<>[]()$@")
	plain := strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
	if name == text { // without the marks of a placeholder
		return plain == "orgcode"
	}
	return strings.HasPrefix(plain, "org") || strings.HasSuffix(plain, "org") || strings.HasSuffix(plain, "orgcode")
}

// opened warns of a public route that matches everything, or what other routes
// match too. Public routes for preflights alone are meant to.
func (t *routes) opened(number int) []string {
	r := t.all[number]
	if r.preflight {
		return nil
	}
	if r.pattern.isEverything() {
		return []string{fmt.Sprintf("public route %s matches every path: requests that no earlier route matches pass without a token", r.path)}
	}
	for other, covered := range t.all {
		if covered.policy == public || !r.pattern.covers(&covered.pattern, sameCase) || !r.sharesMethod(covered) {
			continue
		}
		if other < number {
			return []string{fmt.Sprintf("public route %s covers route %s: similar requests that miss that one pass without a token", r.path, covered.path)}
		}
		return []string{fmt.Sprintf("public route %s covers the later route %s: its requests pass without a token", r.path, covered.path)}
	}
	return nil
}

// isEverything reports whether the pattern matches every path, or every one that
// is deep enough.
func (p *pattern) isEverything() bool {
	return p.rest && !slices.ContainsFunc(p.segments, func(s string) bool { return s != anySegment })
}

// sharesMethod reports whether some method is one of both routes.
func (r *route) sharesMethod(other *route) bool {
	if r.methods == nil || other.methods == nil {
		return true
	}
	theirs := withHead(other.methods)
	return slices.ContainsFunc(withHead(r.methods), func(m string) bool { return slices.Contains(theirs, m) })
}

// withHead adds HEAD, which a route for GET takes too.
func withHead(methods []string) []string {
	if slices.Contains(methods, "GET") && !slices.Contains(methods, "HEAD") {
		return append(slices.Clone(methods), "HEAD")
	}
	return slices.Clone(methods)
}

// coveredBy returns the earlier route without which one would match something,
// if earlier ones take all requests that it would. It compares as an upstream
// that ignores case would: where that finds the earlier route, the path is
// refused.
func (t *routes) coveredBy(number int) (*route, bool) {
	earlier := t.coveredAs(number, strings.EqualFold)
	return earlier, earlier != nil
}

func sameCase(a, b string) bool { return a == b }

func (t *routes) coveredAs(number int, same func(a, b string) bool) *route {
	covered := t.all[number]
	missing := withHead(covered.methods)
	for _, earlier := range t.all[:number] {
		if earlier.preflight && !covered.preflight || !earlier.pattern.covers(&covered.pattern, same) {
			continue
		}
		taken := withHead(earlier.methods)
		missing = slices.DeleteFunc(missing, func(m string) bool { return slices.Contains(taken, m) })
		if earlier.methods == nil || covered.methods != nil && len(missing) == 0 {
			return earlier
		}
	}
	return nil
}

// covers reports whether every path that other matches is one that p matches,
// where segments are compared like that.
func (p *pattern) covers(other *pattern, same func(a, b string) bool) bool {
	for i, segment := range p.segments {
		if i >= len(other.segments) || segment != anySegment && !same(segment, other.segments[i]) {
			return false
		}
	}
	return p.rest || !other.rest && len(p.segments) == len(other.segments)
}

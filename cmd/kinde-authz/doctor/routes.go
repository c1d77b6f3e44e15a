package doctor

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kinde-authz/kinde-authz/internal/suggest"
)

// overrides are the settings of filters for a part of the routes, by the name
// of the filter.
type overrides map[string]json.RawMessage

// routeTable is Envoy's RouteConfiguration.
type routeTable struct {
	Name      string        `json:"name"`
	Hosts     []virtualHost `json:"virtual_hosts"`
	Overrides overrides     `json:"typed_per_filter_config"`
}

type virtualHost struct {
	Name      string    `json:"name"`
	Routes    []route   `json:"routes"`
	Matcher   any       `json:"matcher"` // holds routes, in place of the list
	Overrides overrides `json:"typed_per_filter_config"`
}

type route struct {
	Name   string          `json:"name"`
	Match  json.RawMessage `json:"match"`
	Action struct {
		Weighted struct {
			Clusters []struct {
				Name      string    `json:"name"`
				Overrides overrides `json:"typed_per_filter_config"`
			} `json:"clusters"`
		} `json:"weighted_clusters"`
	} `json:"route"`
	Redirect       object    `json:"redirect"`
	DirectResponse object    `json:"direct_response"`
	Overrides      overrides `json:"typed_per_filter_config"`
}

// label is how a person finds the route.
func (r *route) label() string {
	if r.Name != "" {
		return fmt.Sprintf("route %q", r.Name)
	}
	var match map[string]json.RawMessage
	if json.Unmarshal(r.Match, &match) == nil {
		for _, way := range []string{"path", "prefix", "path_separated_prefix"} {
			if at, found := match[way]; found {
				return fmt.Sprintf("route {%s: %s}", way, at)
			}
		}
	}
	return "route " + string(r.Match)
}

// upstream reports whether the route leads to an upstream.
func (r *route) upstream() bool { return r.Redirect == nil && r.DirectResponse == nil }

// authzOverride is what a part of the routes says of ext_authz: Envoy's
// ExtAuthzPerRoute, or FilterConfig around it.
type authzOverride struct {
	Type     string         `json:"@type"`
	Disabled bool           `json:"disabled"`
	Config   *authzOverride `json:"config"`
	Settings struct {
		Extensions map[string]string `json:"context_extensions"`
		GRPC       object            `json:"grpc_service"`
		HTTP       object            `json:"http_service"`
		Body       *bodySettings     `json:"with_request_body"`
		NoBody     bool              `json:"disable_request_body_buffering"`
	} `json:"check_settings"`
}

// of returns what the overrides say of a filter, nil if nothing.
func (o overrides) of(filter string) *authzOverride {
	message, found := o[filter]
	if !found {
		return nil
	}
	override := &authzOverride{}
	if json.Unmarshal(message, override) != nil {
		return nil
	}
	if override.Config != nil {
		override.Config.Disabled = override.Config.Disabled || override.Disabled
		return override.Config
	}
	return override
}

// scope is a part of the routes that can have settings of its own for filters.
type scope struct {
	label     string
	overrides overrides
	enabled   bool // ext_authz is
	leaf      bool // requests take it
}

// scopes returns all parts of the routes, from the whole to the single ones,
// and whether the filter is enabled there.
func (t *routeTable) scopes(filter string, enabled bool) (all []scope) {
	add := func(label string, o overrides, enabled, leaf bool) bool {
		if override := o.of(filter); override != nil {
			enabled = !override.Disabled
		}
		all = append(all, scope{label, o, enabled, leaf})
		return enabled
	}
	table := add(fmt.Sprintf("route configuration %q", t.Name), t.Overrides, enabled, false)
	for _, h := range t.Hosts {
		name := fmt.Sprintf("virtual host %q", h.Name)
		host := add(name, h.Overrides, table, false)
		for _, r := range h.all() {
			label := r.label() + " of " + name
			clusters := r.Action.Weighted.Clusters
			enabled := add(label, r.Overrides, host, len(clusters) == 0 && r.upstream())
			for _, c := range clusters {
				add(fmt.Sprintf("cluster %q of %s", c.Name, label), c.Overrides, enabled, true)
			}
		}
	}
	return all
}

// all returns the routes of the host, those that a matcher chooses included.
func (h *virtualHost) all() []route {
	all := slices.Clone(h.Routes)
	for _, message := range ofType(h.Matcher, "route.v3.Route") {
		var r route
		if decode(message, &r) == nil {
			all = append(all, r)
		}
	}
	return all
}

// redacted is what Envoy's admin port shows in place of each value in
// context_extensions.
const redacted = "[redacted]"

// checkRoutes looks at what routes say of the filter.
func checkRoutes(r *Report, table *routeTable, filter *authzFilter, policies []string, tellHidden bool) {
	var open, elsewhere, hidden []string
	named, keys := make(map[string][]string), make(map[string][]string)
	for _, s := range table.scopes(filter.name, !filter.disabled) {
		if s.leaf && !s.enabled {
			open = append(open, s.label)
		}
		override := s.overrides.of(filter.name)
		if override == nil {
			continue
		}
		if override.Settings.GRPC != nil || override.Settings.HTTP != nil {
			elsewhere = append(elsewhere, s.label)
		}
		for key, value := range override.Settings.Extensions {
			switch {
			case key != "policy":
				keys[key] = append(keys[key], s.label)
			case value == redacted:
				hidden = append(hidden, s.label)
			case !slices.Contains(policies, value):
				named[value] = append(named[value], s.label)
			}
		}
	}
	checkNames(r, named, keys, policies)
	if len(hidden) > 0 && tellHidden {
		r.warn("", "Envoy's admin port hides the names of policies in context_extensions, so they are not checked, on "+
			strings.Join(hidden, ", "), "give the file that Envoy was started with: --envoy-config envoy.yaml")
	}
	if len(open) > 0 {
		r.warn("", "ext_authz is disabled, so nothing is checked, on "+strings.Join(open, ", "),
			"if it is to be open, make it a public route in the settings of kinde-authz instead: "+
				"then identity headers are still removed")
	}
	if len(elsewhere) > 0 {
		r.warn("", "another service is asked, by check_settings, on "+strings.Join(elsewhere, ", "),
			"check that it is kinde-authz, or remove grpc_service and http_service there")
	}
}

// checkNames judges what routes send in context_extensions.
func checkNames(r *Report, named, keys map[string][]string, policies []string) {
	for _, name := range slices.Sorted(maps.Keys(named)) {
		do := "define the policy in the settings of kinde-authz, or correct the name in Envoy"
		do += suggest.Question(name, policies)
		r.fail("", fmt.Sprintf("context_extensions names the policy %q, which the settings do not define: "+
			"requests are denied (unknown_policy) on %s", name, strings.Join(named[name], ", ")), do)
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		r.fail("", fmt.Sprintf("context_extensions has the key %q, and only the key policy is known: "+
			"requests are denied (unknown_policy) on %s", key, strings.Join(keys[key], ", ")),
			"remove the key, or rename it to policy")
	}
}

// checkMisplaced finds settings for ext_authz under a name that no filter has:
// Envoy does not look at them.
func checkMisplaced(r *Report, table *routeTable, filters []string) {
	misplaced := make(map[string][]string)
	for _, s := range table.scopes("", true) {
		for name := range s.overrides {
			override := s.overrides.of(name)
			ours := override != nil && strings.HasSuffix(override.Type, "ext_authz.v3.ExtAuthzPerRoute")
			if ours && !slices.Contains(filters, name) {
				misplaced[name] = append(misplaced[name], s.label)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(misplaced)) {
		r.fail("", fmt.Sprintf("typed_per_filter_config is for a filter named %q, which is not there, "+
			"so Envoy ignores it, on %s", name, strings.Join(misplaced[name], ", ")),
			"use the name that the ext_authz filter has in http_filters: "+strings.Join(filters, ", "))
	}
}

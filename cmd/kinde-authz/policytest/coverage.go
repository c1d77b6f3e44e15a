package policytest

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

// Unreached is a part of the settings that no case reached.
type Unreached struct {
	// Kind is route, policy or tool.
	Kind string `json:"kind"`
	// Name tells it from others of its kind.
	Name string `json:"name"`
	// Place is where it is, as file:line.
	Place string `json:"place"`
}

// coverage is what cases reached of each settings file.
type coverage []*covered

// covered is what cases reached of a settings file: paths to settings, in words.
type covered struct {
	settings *settings.Settings
	reached  map[string]bool
}

// add notes what the cases reached. Files of cases may share their settings.
func (all *coverage) add(s *settings.Settings, results []*Result) {
	i := slices.IndexFunc(*all, func(c *covered) bool { return c.settings.Place() == s.Place() })
	if i < 0 {
		i = len(*all)
		*all = append(*all, &covered{s, map[string]bool{}})
	}
	seen := (*all)[i].reached
	for _, result := range results {
		got := result.Decision.Reached()
		route, tool := strconv.Itoa(got.Route), strconv.Itoa(got.Tool)
		seen[key("routes", route)] = true
		seen[key("routes", route, "mcp", "tools", tool)] = true
		for _, name := range got.Policies {
			seen[key("policies", name)] = true
		}
	}
}

// key is a path to a setting as one word. No part of one has the separator.
func key(path ...string) string { return strings.Join(path, "\x00") }

// missing returns what no case reached, as it stands in the files.
func (all coverage) missing() (list []Unreached) {
	for _, c := range all {
		check := func(kind, name string, path ...string) {
			if !c.reached[key(path...)] {
				list = append(list, Unreached{kind, name, c.settings.Place(path...)})
			}
		}
		config := &c.settings.Authorizer
		for number, route := range config.Routes {
			n := strconv.Itoa(number)
			name := strings.TrimSpace(strings.Join(route.Methods, ",") + " " + route.Path)
			check("route", name, "routes", n)
			if route.MCP == nil {
				continue
			}
			for i, tool := range route.MCP.Tools {
				check("tool", tool.Name+" of "+route.Path, "routes", n, "mcp", "tools", strconv.Itoa(i))
			}
		}
		for _, name := range slices.Sorted(maps.Keys(config.Policies)) {
			check("policy", name, "policies", name)
		}
	}
	return list
}

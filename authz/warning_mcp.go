package authz

import (
	"fmt"
	"slices"
	"strconv"
)

// mcpWarnings returns what to warn of in how one route guards a server of the Model
// Context Protocol.
func (t *routes) mcpWarnings(number int) (all []Warning) {
	r := t.all[number]
	if r.mcp == nil {
		return nil
	}
	place := []string{"routes", strconv.Itoa(number), "mcp"}
	warn := func(text string, behind ...string) {
		all = append(all, Warning{append(slices.Clone(place), behind...), "route " + r.path + ": " + text})
	}
	if r.methods != nil && !slices.Contains(r.methods, "POST") {
		warn("mcp guards nothing: messages come by POST, which the route does not take")
	}
	if r.mcp.metadata {
		warn("envoy_metadata believes Envoy's MCP filter: it must refuse repeated names and cover the whole body", "envoy_metadata")
	}
	for i := range r.mcp.tools {
		if earlier := r.mcp.taken(i); earlier != nil {
			warn(fmt.Sprintf("tool %s is never looked at: the earlier entry %s takes it", r.mcp.tools[i].text(), earlier.text()),
				"tools", strconv.Itoa(i))
		}
	}
	return all
}

// taken returns the earlier entry that is for all tools which an entry is for, nil
// for none.
func (m *mcp) taken(number int) *tool {
	for i := range m.tools[:number] {
		if m.tools[i].matches(m.tools[number].name) && (m.tools[i].prefix || !m.tools[number].prefix) {
			return &m.tools[i]
		}
	}
	return nil
}

// text is the name as the settings have it.
func (t *tool) text() string {
	if t.prefix {
		return t.name + "*"
	}
	return t.name
}

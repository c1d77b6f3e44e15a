package doctor

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/kinde-authz/kinde-authz/authz"
)

// bodySettings are how a body is sent with a check: Envoy's BufferSettings.
type bodySettings struct {
	MaxBytes     int  `json:"max_request_bytes"`
	AllowPartial bool `json:"allow_partial_message"`
	AsBytes      bool `json:"pack_as_bytes"`
}

// bodyOf returns how bodies are sent where the overrides hold, nil for not at all.
func (f *authzFilter) bodyOf(inherited *bodySettings, o overrides) *bodySettings {
	override := o.of(f.name)
	switch {
	case override == nil:
		return inherited
	case override.Settings.Body != nil:
		return override.Settings.Body
	case override.Settings.NoBody:
		return nil
	default:
		return inherited
	}
}

// checkMCP looks at whether an MCP server's messages reach kinde-authz, whole and as
// bytes, where the settings guard one.
func checkMCP(r *Report, table *routeTable, filter *authzFilter, routes []authz.Route) {
	const do = "set with_request_body: {max_request_bytes: 131072, allow_partial_message: false, pack_as_bytes: true} "
	guarded, sound := 0, true
	for _, guard := range routes {
		if guard.MCP == nil || guard.MCP.EnvoyMetadata && slices.Contains(filter.Metadata, "envoy.filters.http.mcp") {
			continue
		}
		for _, at := range table.leading(filter, guard.Path) {
			guarded++
			fault := ""
			switch {
			case at.body == nil:
				fault = "no body is sent with checks"
			case at.body.AllowPartial:
				fault = "allow_partial_message is true, so that long messages come cut"
			case at.body.MaxBytes > authz.MaxMCPBody:
				fault = fmt.Sprintf("max_request_bytes is %d, and no more than %d are read", at.body.MaxBytes, authz.MaxMCPBody)
			default:
				continue
			}
			sound = false
			r.fail("", fmt.Sprintf("%s on %s, which leads to the MCP route %s: messages are denied (mcp_unreadable)",
				fault, at.label, guard.Path), do+"in check_settings of the route")
		}
	}
	if guarded == 0 {
		return
	}
	if filter.Body == nil || !filter.Body.AsBytes {
		sound = false
		r.fail("", "the ext_authz filter does not send bodies as bytes, whatever its routes say: "+
			"messages to MCP routes are denied (mcp_unreadable)",
			do+"on the filter, and disable_request_body_buffering: true in check_settings of the virtual host")
	}
	if sound {
		r.fine("", "messages to MCP routes are sent whole, as bytes")
	}
}

// checkMCPHeaders looks at whether kinde-authz sees the headers that it compares on
// MCP routes: what it does not see looks as if it had not come.
func checkMCPHeaders(r *Report, filter *authzFilter, routes []authz.Route) {
	var hidden []string
	for _, guard := range routes {
		if guard.MCP == nil {
			continue
		}
		names := []string{"mcp-method", "mcp-name", "content-type", "content-encoding"}
		if guard.MCP.Origins != nil {
			names = append(names, "origin")
		}
		for _, name := range names {
			if !filter.shows(name) && !slices.Contains(hidden, name) {
				hidden = append(hidden, name)
			}
		}
	}
	if hidden != nil {
		r.fail("", "kinde-authz does not see "+strings.Join(hidden, ", ")+
			", so requests to MCP routes pass whatever these headers say", "add them to allowed_headers")
	}
}

// sending is a route of Envoy's, and how it sends bodies.
type sending struct {
	label string
	body  *bodySettings
}

// leading returns the routes that lead requests of a path of the settings to an
// upstream, the first of each virtual host.
func (t *routeTable) leading(f *authzFilter, path string) (all []sending) {
	sample := samplePath(path)
	whole := f.bodyOf(f.Body, t.Overrides)
	for _, h := range t.Hosts {
		host := f.bodyOf(whole, h.Overrides)
		for _, r := range h.all() {
			if !r.matches(sample) {
				continue
			}
			if r.upstream() {
				all = append(all, sending{fmt.Sprintf("%s of virtual host %q", r.label(), h.Name), f.bodyOf(host, r.Overrides)})
			}
			break
		}
	}
	return all
}

var placeholder = regexp.MustCompile(`\{[^}/]*\}|\*\*?`)

// samplePath is a path that a route of the settings matches.
func samplePath(path string) string { return placeholder.ReplaceAllString(path, "x") }

// matches reports whether a route of Envoy's takes requests of that path. Its other
// conditions are not looked at.
func (r *route) matches(path string) bool {
	var match struct {
		Path      string `json:"path"`
		Prefix    string `json:"prefix"`
		Separated string `json:"path_separated_prefix"`
		Regex     struct {
			Regex string `json:"regex"`
		} `json:"safe_regex"`
	}
	if json.Unmarshal(r.Match, &match) != nil {
		return false
	}
	switch {
	case match.Path != "":
		return path == match.Path
	case match.Prefix != "":
		return strings.HasPrefix(path, match.Prefix)
	case match.Separated != "":
		return path == match.Separated || strings.HasPrefix(path, match.Separated+"/")
	case match.Regex.Regex != "":
		whole, err := regexp.Compile("^(?:" + match.Regex.Regex + ")$")
		return err == nil && whole.MatchString(path)
	default:
		return false
	}
}

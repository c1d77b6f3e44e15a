package doctor

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

func TestDoctorLooksAtBodiesOfMCPRoutes(t *testing.T) {
	good, _ := mistakes(t)
	const (
		body = "with_request_body: {max_request_bytes: 131072, pack_as_bytes: true}"
		on   = "{check_settings: {" + body + "}}"
		off  = "{check_settings: {disable_request_body_buffering: true}}"
		do   = " -> set with_request_body: {max_request_bytes: 131072, allow_partial_message: false, pack_as_bytes: true} "
		at   = `route {path_separated_prefix: "/mcp"} of virtual host "api", which leads to the MCP route /mcp/{city}/**: ` +
			`messages are denied (mcp_unreadable)` + do + "in check_settings of the route"
		asText = `the ext_authz filter does not send bodies as bytes, whatever its routes say: messages to MCP routes are ` +
			`denied (mcp_unreadable)` + do + "on the filter, and disable_request_body_buffering: true " +
			"in check_settings of the virtual host"
	)
	for name, row := range map[string]struct {
		filter, host, route string
		mcp                 *authz.MCP
		want                []string
	}{
		"as it should be": {body, off, on, &authz.MCP{}, nil},
		"for all":         {body, "{}", "{}", &authz.MCP{}, nil},
		"no MCP":          {"", "{}", "{}", nil, nil},
		"Envoy's metadata": {
			"metadata_context_namespaces: [envoy.filters.http.mcp]", "{}", "{}", &authz.MCP{EnvoyMetadata: true}, nil,
		},
		"metadata not passed": {
			"", "{}", "{}", &authz.MCP{EnvoyMetadata: true}, []string{"no body is sent with checks on " + at, asText},
		},
		"nothing": {"", "{}", "{}", &authz.MCP{}, []string{"no body is sent with checks on " + at, asText}},
		"off":     {body, off, "{}", &authz.MCP{}, []string{"no body is sent with checks on " + at}},
		"text": {
			strings.Replace(body, ", pack_as_bytes: true", "", 1), off, on, &authz.MCP{}, []string{asText},
		},
		"partial": {
			body, off, strings.Replace(on, "131072", "131072, allow_partial_message: true", 1), &authz.MCP{},
			[]string{"allow_partial_message is true, so that long messages come cut on " + at},
		},
		"an origin that is not shown": {body, off, on, &authz.MCP{Origins: []string{"https://a"}}, []string{
			"kinde-authz does not see origin, so requests to MCP routes pass whatever these headers say -> " +
				"add them to allowed_headers",
		}},
		"too much": {
			body, off, strings.Replace(on, "131072", "200000", 1), &authz.MCP{},
			[]string{"max_request_bytes is 200000, and no more than 131072 are read on " + at},
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := strings.NewReplacer(
				"{exact: connection}", "{exact: connection}, {exact: mcp-method}, {exact: mcp-name}, {exact: content-type}, "+
					"{exact: content-encoding}",
				"failure_mode_allow: false", "failure_mode_allow: false\n              "+row.filter,
				"            - name: api\n",
				"            - name: api\n              typed_per_filter_config: {authz: "+row.host+"}\n",
				"              - match: {path: /other}",
				"              - match: {path_separated_prefix: /mcp}\n                route: {cluster: agent}\n"+
					"                typed_per_filter_config: {authz: "+row.route+"}\n              - match: {path: /other}",
			).Replace(good)
			s := &settings.Settings{Authorizer: authz.Config{
				Policies: map[string]authz.Policy{"run-agents": {}},
				Routes:   []authz.Route{{Path: "/else"}, {Path: "/mcp/{city}/**", MCP: row.mcp}},
			}}
			var got []string
			for _, line := range faultsOf(t, s, config) {
				got = append(got, strings.TrimPrefix(line, `failed envoy listener "ingress": `))
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

package party

import "github.com/kinde-authz/kinde-authz/kinde/kindetest"

// node is a piece of Envoy's configuration, as YAML and JSON have it.
type node = map[string]any

const filterTypes = "type.googleapis.com/envoy.extensions.filters.http."

// nativeFilters are Envoy's own way: jwt_authn verifies the token, RBAC wants
// the organization. Without a cache every token is verified every time, which
// is jwt_authn's default.
func nativeFilters(domain, jwks string, cached bool) []any {
	provider := node{
		"issuer": domain, "audiences": []any{kindetest.Audience}, "forward": true,
		"local_jwks": node{"inline_string": jwks}, "payload_in_metadata": "payload",
	}
	if cached {
		provider["jwt_cache_config"] = node{"jwt_cache_size": 1000}
	}
	authn := node{
		"@type":     filterTypes + "jwt_authn.v3.JwtAuthentication",
		"providers": node{"kinde": provider},
		"rules":     []any{node{"match": node{"prefix": "/"}, "requires": node{"provider_name": "kinde"}}},
	}
	organization := node{"metadata_matcher": node{
		"filter": "envoy.filters.http.jwt_authn",
		"path":   []any{node{"key": "payload"}, node{"key": "org_code"}},
		"value":  node{"string_match": node{"exact": kindetest.Org}},
	}}
	rbac := node{
		"@type": filterTypes + "rbac.v3.RBAC",
		"rules": node{"action": "ALLOW", "policies": node{"organization": node{
			"permissions": []any{node{"any": true}},
			"principals":  []any{node{"sourced_metadata": organization}},
		}}},
	}
	return []any{
		node{"name": "envoy.filters.http.jwt_authn", "typed_config": authn},
		node{"name": "envoy.filters.http.rbac", "typed_config": rbac},
	}
}

// routerFilter ends every chain.
func routerFilter() node {
	return node{"name": "envoy.filters.http.router", "typed_config": node{"@type": filterTypes + "router.v3.Router"}}
}

// routes answers every request in Envoy itself, so that no upstream blurs the
// figures.
func routes() node {
	return node{"name": "local", "virtual_hosts": []any{node{
		"name": "answer", "domains": []any{"*"},
		"routes": []any{node{
			"match":           node{"prefix": "/"},
			"direct_response": node{"status": 200, "body": node{"inline_string": "ok\n"}},
		}},
	}}}
}

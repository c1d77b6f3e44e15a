package doctor

import (
	"encoding/json"
	"strings"
)

// owner is what programs an Envoy, where that is not a file: a change of Envoy's
// configuration is then a change of its objects.
type owner struct {
	name string
	// objects say where a setting of Envoy is set. The first whose word is in the
	// advice counts.
	objects []struct{ word, object string }
}

var envoyGateway = &owner{"Envoy Gateway", []struct{ word, object string }{
	{"failure_mode_allow", "extAuth.failOpen: false of the SecurityPolicy"},
	{"status_on_error", "extAuth.statusOnError: 503 of the SecurityPolicy"},
	{"clear_route_cache", "extAuth.recomputeRoute: false of the SecurityPolicy"},
	{"allowed_headers", "leave extAuth.headersToExtAuth of the SecurityPolicy unset"},
	{"max_interval", "extAuth.timeout of the SecurityPolicy, and perRetry.backOff.maxInterval in its backendSettings.retry"},
	{"retry_policy", "extAuth.grpc.backendSettings.retry of the SecurityPolicy"},
	{"early_header_mutation_extensions", "headers.earlyRequestHeaders of the ClientTrafficPolicy"},
	{"headers_with_underscores_action", "headers.withUnderscoresAction of the ClientTrafficPolicy"},
	{"path_with_escaped_slashes_action", "path of the ClientTrafficPolicy"},
	{"merge_slashes", "path of the ClientTrafficPolicy"},
	{"validate_mutations", "an EnvoyPatchPolicy, as in deploy/envoy-gateway/patch-policy.yaml"},
	{"allow_expression", "an EnvoyPatchPolicy, as in deploy/envoy-gateway/patch-policy.yaml"},
	{"key", "extAuth.contextExtensions of the SecurityPolicy"},
	{"correct the name", "extAuth.contextExtensions of the SecurityPolicy"},
}}

var istio = &owner{"Istio", []struct{ word, object string }{
	{"failure_mode_allow", "failOpen: false of the extensionProvider in meshConfig"},
	{"status_on_error", `statusOnError: "503" of the extensionProvider in meshConfig`},
	{"clear_route_cache", "clearRouteCache: false of the extensionProvider in meshConfig"},
	{"max_interval", "timeout: 2s of the extensionProvider in meshConfig, and the EnvoyFilter of deploy/istio/hardening-*.yaml"},
	{"path_with_escaped_slashes_action", "the EnvoyFilter of deploy/istio/hardening-*.yaml, and pathNormalization: MERGE_SLASHES in meshConfig"},
	{"normalize_path", "pathNormalization: MERGE_SLASHES in meshConfig"},
	{"merge_slashes", "pathNormalization: MERGE_SLASHES in meshConfig"},
	{"", "the EnvoyFilter of deploy/istio/hardening-*.yaml"},
}}

// ownerOf tells what has programmed a filter.
func ownerOf(f *authzFilter) *owner {
	switch {
	case strings.HasPrefix(f.name, "envoy.filters.http.ext_authz/"):
		return envoyGateway
	case f.EnabledMetadata["filter"] == istioRules:
		return istio
	default:
		return nil
	}
}

// advise adds to what to do in Envoy which object says so.
func (o *owner) advise(r *Report) {
	if o == nil {
		return
	}
	for i := range r.findings {
		f := &r.findings[i]
		if f.Do == "" {
			continue
		}
		for _, at := range o.objects {
			if strings.Contains(f.Do, at.word) {
				f.Do += "; with " + o.name + ": " + at.object
				break
			}
		}
	}
}

// istioRules is the filter that tells Istio's ext_authz which requests a policy is for,
// and istioPrefix what its metadata begin with.
const (
	istioRules  = "envoy.filters.http.rbac"
	istioPrefix = "istio_ext_authz_"
)

// shadowRules are those of the filter, as far as they matter here.
type shadowRules struct {
	Prefix string `json:"shadow_rules_stat_prefix"`
	Rules  struct {
		Policies map[string]struct {
			Permissions json.RawMessage `json:"permissions"`
			Principals  json.RawMessage `json:"principals"`
		} `json:"policies"`
	} `json:"shadow_rules"`
}

// asksAll reports whether an AuthorizationPolicy of Istio is for every request. What it
// leaves out passes without a decision.
func asksAll(m *manager) bool {
	for _, filter := range m.Filters {
		var rules shadowRules
		if decode(filter["typed_config"], &rules) != nil || rules.Prefix != istioPrefix {
			continue
		}
		for _, policy := range rules.Rules.Policies {
			if isAny(policy.Permissions, "and_rules", "rules") && isAny(policy.Principals, "and_ids", "ids") {
				return true
			}
		}
	}
	return false
}

// isAny reports whether one of the rules matches everything.
func isAny(rules json.RawMessage, outer, inner string) bool {
	var list []map[string]map[string][]struct {
		Any bool `json:"any"`
	}
	if json.Unmarshal(rules, &list) != nil {
		return false
	}
	for _, rule := range list {
		all := rule[outer][inner]
		if len(rule) == 1 && len(all) == 1 && all[0].Any {
			return true
		}
	}
	return false
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// object is a message of Envoy's configuration, as its admin port shows it.
type object map[string]any

// checkEnvoy reads the running configuration of an Envoy and looks for what
// would make its ext_authz filter useless.
func checkEnvoy(ctx context.Context, r *report, admin string) {
	check := "envoy " + admin
	_, body, err := fetch(ctx, strings.TrimRight(admin, "/")+"/config_dump?include_eds")
	if err != nil {
		r.fail(check, "its configuration cannot be read: "+err.Error(), "name the admin port, like --envoy-admin http://127.0.0.1:9901")
		return
	}
	var dump any
	if err := json.Unmarshal(body, &dump); err != nil {
		r.fail(check, "its configuration is not JSON", "name the admin port, like --envoy-admin http://127.0.0.1:9901")
		return
	}
	guarded := 0
	for _, manager := range ofType(listeners(dump), "http_connection_manager.v3.HttpConnectionManager") {
		name := fmt.Sprintf("envoy listener %q", manager["stat_prefix"])
		filter := extAuthz(manager)
		if filter == nil {
			r.warn(name, "has no ext_authz filter over gRPC: nothing is checked there", "add the filter, unless this listener is meant to be open")
			continue
		}
		guarded++
		checkFilter(r, name, filter)
		checkManager(r, name, manager)
	}
	r.judge(guarded > 0, check, fmt.Sprintf("%d listeners ask an ext_authz service", guarded), failed,
		"no listener asks an ext_authz service", "add the ext_authz filter: see envoy.yaml of the project")
	for _, route := range ofType(listeners(dump), "ext_authz.v3.ExtAuthzPerRoute") {
		if route["disabled"] == true {
			r.warn(check, "a route switches ext_authz off: nothing is checked there", "make the route public in the settings of kinde-authz instead: then identity headers are still stripped")
		}
	}
}

// listeners returns what runs, without the bootstrap that shows it again.
func listeners(dump any) []any {
	var running []any
	for _, part := range []string{"ListenersConfigDump", "RoutesConfigDump"} {
		for _, found := range ofType(dump, part) {
			running = append(running, map[string]any(found))
		}
	}
	return running
}

// ofType returns all messages of a type, wherever they are.
func ofType(tree any, suffix string) (found []object) {
	switch node := tree.(type) {
	case map[string]any:
		if kind, _ := node["@type"].(string); strings.HasSuffix(kind, suffix) {
			found = append(found, node)
		}
		for _, child := range node {
			found = append(found, ofType(child, suffix)...)
		}
	case []any:
		for _, child := range node {
			found = append(found, ofType(child, suffix)...)
		}
	}
	return found
}

// extAuthz returns the manager's ext_authz filter, nil if it has none that asks
// over gRPC.
func extAuthz(manager object) object {
	filters := ofType(manager["http_filters"], "ext_authz.v3.ExtAuthz")
	i := slices.IndexFunc(filters, func(f object) bool { return f["grpc_service"] != nil })
	if i < 0 {
		return nil
	}
	return filters[i]
}

func checkFilter(r *report, check string, filter object) {
	r.judge(filter["failure_mode_allow"] != true, check, "it fails closed", failed,
		"failure_mode_allow is true: while kinde-authz is away everyone passes", "set failure_mode_allow: false")
	r.judge(filter["status_on_error"] != nil, check, "an outage looks like one", warning,
		"status_on_error is not set: an outage looks like a denial (403)", "set status_on_error: {code: ServiceUnavailable}")
	r.judge(filter["clear_route_cache"] != true, check, "the route is chosen before the decision", warning,
		"clear_route_cache is true: injected headers can choose a route with other settings after the decision", "set clear_route_cache: false")
	if allowed := compactJSON(filter["allowed_headers"]); allowed != "null" {
		r.judge(strings.Contains(allowed, `"authorization"`), check, "the service sees Authorization", failed,
			"allowed_headers lacks authorization: every request is denied", "add {exact: authorization}")
		r.judge(strings.Contains(allowed, `"x-kinde-`), check, "the service sees what it has to remove", warning,
			"allowed_headers lacks x-kinde-: the service cannot remove identity headers that it does not know", "add {prefix: x-kinde-} and {prefix: x_kinde_}")
	}
}

// removesIdentity is an early header mutation that takes x-kinde-… away.
var removesIdentity = regexp.MustCompile(`"remove_on_match":\{"key_matcher":\{[^{}]*"(prefix|contains)":"x-kinde-?"|"remove_on_match":\{"key_matcher":\{"safe_regex":\{[^{}]*kinde`)

func checkManager(r *report, check string, manager object) {
	early := compactJSON(manager["early_header_mutation_extensions"])
	r.judge(removesIdentity.MatchString(early), check, "identity headers of clients are stripped early", failed,
		"x-kinde-… headers of clients are not stripped before the filters", "add early_header_mutation_extensions with remove_on_match {key_matcher: {prefix: x-kinde-}}: see envoy.yaml of the project")
	underscores := compactJSON(manager["common_http_protocol_options"])
	r.judge(strings.Contains(underscores, "REJECT_REQUEST") || strings.Contains(underscores, "DROP_HEADER") || strings.Contains(early, "x_kinde_"), check,
		"x_kinde_… headers do not pass for x-kinde-…", warning,
		"headers like x_kinde_user_id pass: many upstreams read them as x-kinde-user-id", "set headers_with_underscores_action: REJECT_REQUEST")
	r.judge(manager["normalize_path"] == true && manager["merge_slashes"] == true, check, "paths are normalised", warning,
		"paths are not normalised: routes of kinde-authz refuse what Envoy could clean", "set normalize_path: true, merge_slashes: true and path_with_escaped_slashes_action: REJECT_REQUEST")
}

// compactJSON is a part of the configuration as JSON without blanks, names in order.
func compactJSON(part any) string {
	out, err := json.Marshal(part)
	if err != nil {
		return "null" // it came as JSON
	}
	return string(out)
}

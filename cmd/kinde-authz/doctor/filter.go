package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	envoyTimeout = 200 * time.Millisecond // of Envoy, where none is set
	envoyBackOff = time.Second            // of Envoy, where none is set

	// keyFetch is what one try needs, so that a token with a new key passes
	// where the issuer is far away.
	keyFetch = 400 * time.Millisecond
	// longestWait is what nobody should wait for a decision.
	longestWait = 10 * time.Second
)

// checkFilter looks for what lets requests pass, or denies them, unasked.
func checkFilter(r *Report, f *authzFilter) {
	r.judge(!f.FailureModeAllow, "", "it fails closed", Failed,
		"failure_mode_allow is true: while kinde-authz is away everyone passes", "set failure_mode_allow: false")
	if f.ShadowMode {
		r.fail("", "shadow_mode is true: what kinde-authz denies passes", "set shadow_mode: false")
	}
	if f.Enabled != nil && !f.Enabled.whole() {
		r.fail("", "filter_enabled is below 100 %: the other requests are not checked", "remove filter_enabled")
	}
	if f.EnabledMetadata != nil && ownerOf(f) != istio { // Istio's own: checkRules looks at it
		r.warn("", "filter_enabled_metadata decides which requests are checked",
			"remove it, unless no client can choose that metadata")
	}
	if f.matched {
		r.warn("", "a matcher decides which requests are checked",
			"add the filter without a matcher, and make routes public in the settings of kinde-authz")
	}
	r.judge(!slices.Contains([]string{"", "Forbidden", "Unauthorized"}, f.StatusOnError.Code), "",
		"an outage looks like one", Warning,
		"status_on_error is not set: an outage looks like a denial (403)",
		"set status_on_error: {code: ServiceUnavailable}")
	r.judge(!f.ClearRouteCache, "", "the route is chosen before the decision", Warning,
		"clear_route_cache is true: injected headers can choose a route with other settings after the decision",
		"set clear_route_cache: false")
	r.judge(f.ValidateMutations, "", "answers of kinde-authz are validated", Warning,
		"validate_mutations is not set: an invalid header in an answer is not refused", "set validate_mutations: true")
}

// checkTimes looks at how long a decision may take, and what is tried again.
func checkTimes(r *Report, service *grpcService) {
	timeout, set := envoyTimeout, "grpc_service.timeout is not set: the default of 200ms"
	if service.Timeout != nil {
		timeout = time.Duration(*service.Timeout)
		set = fmt.Sprintf("grpc_service.timeout is %s: that", timeout)
	}
	const do = "set timeout: 2s and, in retry_back_off, max_interval: 0.8s, which is the time of each try"
	switch {
	case timeout == 0 || timeout > longestWait:
		r.warn("", fmt.Sprintf("grpc_service.timeout is %s: requests hang where kinde-authz does not answer",
			timeout), do)
	case timeout < keyFetch:
		r.warn("", set+" leaves no time to fetch a new key, so requests fail when the issuer rotates its keys", do)
	}
	if service.Retry == nil || service.Retry.On == "" {
		r.warn("", "nothing is tried again: requests fail when a replica of kinde-authz goes away",
			"set grpc_service.retry_policy, with retry_on: connect-failure,refused-stream,reset,unavailable")
		return
	}
	try, named := service.try()
	switch {
	case try < keyFetch:
		r.warn("", fmt.Sprintf("%s, which is the time of each try: that leaves no time to fetch a new key, "+
			"so requests fail when the issuer rotates its keys", named), do)
	case timeout >= keyFetch && timeout <= try:
		r.warn("", fmt.Sprintf("%s, which is the time of each try, and grpc_service.timeout is %s: "+
			"a replica that does not answer costs the request, as no time is left for another try", named, timeout), do)
	case timeout >= keyFetch:
		r.fine("", "each try has time to fetch a key, and leaves time for another")
	}
}

// try is the time of each try, and how it comes about. Envoy takes max_interval
// of the back-off for it.
func (s *grpcService) try() (time.Duration, string) {
	base := envoyBackOff
	if backOff := s.Retry.BackOff; backOff != nil {
		if backOff.Max != nil {
			return time.Duration(*backOff.Max), fmt.Sprintf("max_interval of retry_back_off is %s",
				time.Duration(*backOff.Max))
		}
		base = time.Duration(backOff.Base)
	}
	return 10 * base, fmt.Sprintf("max_interval of retry_back_off is not set, and then %s", 10*base)
}

// checkPaths looks at whether the path that is decided on is the one that the
// upstream serves.
func checkPaths(r *Report, m *manager) {
	var missing []string
	if !m.NormalizePath {
		missing = append(missing, "normalize_path: true")
	}
	if !m.MergeSlashes {
		missing = append(missing, "merge_slashes: true")
	}
	if !slices.Contains([]string{"REJECT_REQUEST", "UNESCAPE_AND_REDIRECT", "UNESCAPE_AND_FORWARD"}, m.EscapedSlashes) {
		missing = append(missing, "path_with_escaped_slashes_action: REJECT_REQUEST")
	}
	r.judge(len(missing) == 0, "", "paths are normalized", Warning,
		"paths are not wholly normalized: Envoy's routes and the upstream can read a path differently",
		"set "+strings.Join(missing, ", "))
}

// checkUpgrades looks for upgrades that go round the filter.
func checkUpgrades(r *Report, config *envoyConfig, m *manager) {
	for _, upgrade := range m.Upgrades {
		if len(upgrade.Filters) == 0 {
			continue
		}
		guards, err := config.guards(upgrade.Filters)
		if err != nil || len(guards) == 0 {
			r.fail("", fmt.Sprintf("upgrades to %s have filters of their own, without ext_authz: "+
				"nothing is checked there", upgrade.Type),
				"remove filters from upgrade_configs")
			continue
		}
		r.warn("", fmt.Sprintf("upgrades to %s have filters of their own, whose ext_authz is not looked at here",
			upgrade.Type), "remove filters from upgrade_configs: then those of the listener hold")
	}
}

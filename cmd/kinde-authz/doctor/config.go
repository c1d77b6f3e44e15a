package doctor

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// object is a message of Envoy's configuration, as its admin port shows it.
type object map[string]any

// envoyConfig is what runs in an Envoy, as /config_dump shows it.
type envoyConfig struct {
	Configs []configPart `json:"configs"`
}

// configPart is one of the parts of the configuration, of which each has some of
// these members.
type configPart struct {
	Bootstrap struct {
		Overload struct {
			Monitors []struct {
				Name string `json:"name"`
			} `json:"resource_monitors"`
		} `json:"overload_manager"`
	} `json:"bootstrap"`
	StaticListeners  []listenerState `json:"static_listeners"`
	DynamicListeners []struct {
		Active listenerState `json:"active_state"`
	} `json:"dynamic_listeners"`
	DynamicRoutes []struct {
		Table routeTable `json:"route_config"`
	} `json:"dynamic_route_configs"`
	Extensions []struct {
		Filter object `json:"ecds_filter"`
	} `json:"ecds_filters"`
}

type listenerState struct {
	Listener object `json:"listener"`
}

// listeners returns what listens, without what is still warming up.
func (c *envoyConfig) listeners() (all []object) {
	for _, part := range c.Configs {
		for _, static := range part.StaticListeners {
			all = append(all, static.Listener)
		}
		for _, dynamic := range part.DynamicListeners {
			if dynamic.Active.Listener != nil {
				all = append(all, dynamic.Active.Listener)
			}
		}
	}
	return all
}

// limitsConnections reports whether clients can open only so many connections.
func (c *envoyConfig) limitsConnections() bool {
	for _, part := range c.Configs {
		for _, monitor := range part.Bootstrap.Overload.Monitors {
			if monitor.Name == "envoy.resource_monitors.global_downstream_max_connections" {
				return true
			}
		}
	}
	return false
}

// routeTables returns the routes of a connection manager: its own, or those
// that a control plane has sent.
func (c *envoyConfig) routeTables(m *manager) []routeTable {
	if m.Routes != nil {
		return []routeTable{*m.Routes}
	}
	var sent []routeTable
	for _, part := range c.Configs {
		for _, dynamic := range part.DynamicRoutes {
			if m.RDS == nil || m.RDS.Name == dynamic.Table.Name { // scoped routes choose among all
				sent = append(sent, dynamic.Table)
			}
		}
	}
	return sent
}

// extension returns the filter that a control plane has sent by itself.
func (c *envoyConfig) extension(name string) object {
	for _, part := range c.Configs {
		for _, extension := range part.Extensions {
			if extension.Filter["name"] == name {
				return extension.Filter
			}
		}
	}
	return nil
}

// manager is an HTTP connection manager.
type manager struct {
	Routes *routeTable `json:"route_config"`
	RDS    *struct {
		Name string `json:"route_config_name"`
	} `json:"rds"`
	Filters  []object `json:"http_filters"`
	Upgrades []struct {
		Type    string   `json:"upgrade_type"`
		Filters []object `json:"filters"`
	} `json:"upgrade_configs"`
	NormalizePath  bool   `json:"normalize_path"`
	MergeSlashes   bool   `json:"merge_slashes"`
	EscapedSlashes string `json:"path_with_escaped_slashes_action"`
	Protocol       struct {
		Underscores string `json:"headers_with_underscores_action"`
	} `json:"common_http_protocol_options"`
	Early []struct {
		Config struct {
			Mutations []mutation `json:"mutations"`
		} `json:"typed_config"`
	} `json:"early_header_mutation_extensions"`
}

// mutation is a change of a header, of which only removals matter here.
type mutation struct {
	Remove        string `json:"remove"`
	RemoveOnMatch *struct {
		Key stringMatcher `json:"key_matcher"`
	} `json:"remove_on_match"`
}

func (m *mutation) removes(name string) bool {
	return strings.EqualFold(m.Remove, name) || m.RemoveOnMatch != nil && m.RemoveOnMatch.Key.matches(name)
}

// authzFilter is an ext_authz filter that asks over gRPC.
type authzFilter struct {
	name     string
	disabled bool // but for the routes that enable it
	matched  bool // only where a matcher says so

	GRPC             *grpcService `json:"grpc_service"`
	FailureModeAllow bool         `json:"failure_mode_allow"`
	ShadowMode       bool         `json:"shadow_mode"`
	StatusOnError    struct {
		Code string `json:"code"`
	} `json:"status_on_error"`
	ClearRouteCache   bool           `json:"clear_route_cache"`
	ValidateMutations bool           `json:"validate_mutations"`
	Enabled           *percentage    `json:"filter_enabled"`
	EnabledMetadata   object         `json:"filter_enabled_metadata"`
	AllowedHeaders    *matcherList   `json:"allowed_headers"`
	DisallowedHeaders *matcherList   `json:"disallowed_headers"`
	Rules             *mutationRules `json:"decoder_header_mutation_rules"`
	Body              *bodySettings  `json:"with_request_body"`
	Metadata          []string       `json:"metadata_context_namespaces"`
}

type grpcService struct {
	Timeout *envoyDuration `json:"timeout"`
	Retry   *struct {
		On      string `json:"retry_on"`
		BackOff *struct {
			Base envoyDuration  `json:"base_interval"`
			Max  *envoyDuration `json:"max_interval"`
		} `json:"retry_back_off"`
	} `json:"retry_policy"`
}

// percentage is a share of the requests.
type percentage struct {
	Default struct {
		Numerator   int    `json:"numerator"`
		Denominator string `json:"denominator"`
	} `json:"default_value"`
}

// whole reports whether it is 100 %.
func (p *percentage) whole() bool {
	of := map[string]int{"": 100, "HUNDRED": 100, "TEN_THOUSAND": 10_000, "MILLION": 1_000_000}
	all, known := of[p.Default.Denominator]
	return known && p.Default.Numerator >= all
}

// envoyDuration is a duration as protobuf writes it: 0.500s.
type envoyDuration time.Duration

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *envoyDuration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = envoyDuration(parsed)
	return err
}

// stringMatcher is Envoy's StringMatcher.
type stringMatcher struct {
	Exact      *string     `json:"exact"`
	Prefix     *string     `json:"prefix"`
	Suffix     *string     `json:"suffix"`
	Contains   *string     `json:"contains"`
	Regex      *expression `json:"safe_regex"`
	IgnoreCase bool        `json:"ignore_case"` // not of the expression
}

func (m *stringMatcher) matches(name string) bool {
	of := func(pattern string) string { return pattern }
	if m.IgnoreCase {
		of = strings.ToLower // the names of headers are lower-case
	}
	switch {
	case m.Exact != nil:
		return name == of(*m.Exact)
	case m.Prefix != nil:
		return strings.HasPrefix(name, of(*m.Prefix))
	case m.Suffix != nil:
		return strings.HasSuffix(name, of(*m.Suffix))
	case m.Contains != nil:
		return strings.Contains(name, of(*m.Contains))
	default:
		return m.Regex.matches(name)
	}
}

// matcherList is Envoy's ListStringMatcher.
type matcherList struct {
	Patterns []stringMatcher `json:"patterns"`
}

// matches reports whether one of the patterns matches.
func (l *matcherList) matches(name string) bool {
	return slices.ContainsFunc(l.Patterns, func(m stringMatcher) bool { return m.matches(name) })
}

// expression is a regular expression that must match a whole name. Envoy's
// syntax, RE2, is that of Go.
type expression struct{ *regexp.Regexp }

// UnmarshalJSON implements [json.Unmarshaler].
func (e *expression) UnmarshalJSON(text []byte) error {
	var matcher struct {
		Regex string `json:"regex"`
	}
	err := json.Unmarshal(text, &matcher)
	if err == nil {
		e.Regexp, err = regexp.Compile(`^(?:` + matcher.Regex + `)$`)
	}
	return err
}

func (e *expression) matches(name string) bool { return e != nil && e.MatchString(name) }

// mutationRules are Envoy's HeaderMutationRules, as far as they can decide on a
// header that is neither for routing nor Envoy's own.
type mutationRules struct {
	DisallowAll     bool        `json:"disallow_all"`
	Allow           *expression `json:"allow_expression"`
	Disallow        *expression `json:"disallow_expression"`
	DisallowIsError bool        `json:"disallow_is_error"`
}

// permits reports whether the header may be set and removed.
func (r *mutationRules) permits(name string) bool {
	if r.Disallow.matches(name) {
		return false
	}
	return r.Allow.matches(name) || !r.DisallowAll
}

// ofType returns all messages of a type, wherever they are.
func ofType(tree any, suffix string) (found []object) {
	switch node := tree.(type) {
	case map[string]any:
		if kind, _ := node["@type"].(string); strings.HasSuffix(kind, suffix) {
			found = append(found, node)
		}
		for _, name := range slices.Sorted(maps.Keys(node)) {
			found = append(found, ofType(node[name], suffix)...)
		}
	case []any:
		for _, child := range node {
			found = append(found, ofType(child, suffix)...)
		}
	}
	return found
}

// decode reads a message that came as JSON into what is looked at of it.
func decode(message any, into any) error {
	text, err := json.Marshal(message)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	var unlike *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unlike):
		return fmt.Errorf("it has a form that is not known: %s is JSON of type %s", unlike.Field, unlike.Value)
	default:
		return fmt.Errorf("it has a form that is not known: %w", err)
	}
}

package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

// checkEnvoy reads the configuration of an Envoy and looks for what would make
// its ext_authz filter useless, or have it deny what it should not. What the
// running Envoy and its file have in common is told once. One of the two that cannot be
// read leaves the other to be looked at.
func checkEnvoy(ctx context.Context, r *Report, s *settings.Settings, from Target) {
	findings, guards, read := &merged{}, 0, false
	if from.EnvoyAdmin != "" {
		config, err := runningConfig(ctx, from.EnvoyAdmin)
		if err != nil {
			r.fail("envoy "+from.EnvoyAdmin, "its configuration cannot be read: "+err.Error(),
				"name the address of its admin port, like --envoy-admin http://127.0.0.1:9901")
		} else {
			read = true
			guards += checkConfig(findings, config, s, from.EnvoyFile == "")
		}
	}
	if from.EnvoyFile != "" {
		config, err := fileConfig(from.EnvoyFile)
		if err != nil {
			r.fail("envoy "+from.EnvoyFile, err.Error(),
				"name the file that Envoy was started with, like --envoy-config envoy.yaml")
		} else {
			read = true
			guards += checkConfig(findings, config, s, true)
		}
	}
	r.findings = append(r.findings, findings.all()...)
	if read && guards == 0 {
		r.fail("envoy", "no listener asks an ext_authz service over gRPC",
			"add the ext_authz filter: see envoy.yaml of the project")
	}
}

// checkConfig returns how many filters ask an ext_authz service.
func checkConfig(findings *merged, config *envoyConfig, s *settings.Settings, tellHidden bool) (guards int) {
	found := &Report{}
	found.judge(config.limitsConnections(), "", "the number of connections is limited", Warning,
		"nothing limits the connections of clients: some thousand idle ones keep everybody else out",
		"set an overload_manager with the resource monitor envoy.resource_monitors.global_downstream_max_connections")
	findings.add("", found)
	for _, listener := range config.listeners() {
		for _, message := range ofType(map[string]any(listener), "http_connection_manager.v3.HttpConnectionManager") {
			found := &Report{}
			more := checkManager(found, config, message, s, tellHidden)
			guards += more
			if more > 0 || !needsNoFilter(listener) {
				findings.add(listenerName(listener), found)
			}
		}
	}
	return guards
}

// needsNoFilter reports whether no client of the upstream comes in by a listener: one
// of a sidecar is for what its workload asks of others, and one of Envoy Gateway for
// its own probes.
func needsNoFilter(listener object) bool {
	name, _ := listener["name"].(string)
	return listener["traffic_direction"] == "OUTBOUND" || strings.HasPrefix(name, "envoy-gateway-proxy-")
}

// runningConfig asks the admin port of an Envoy.
func runningConfig(ctx context.Context, admin string) (*envoyConfig, error) {
	_, body, err := fetch(ctx, strings.TrimRight(admin, "/")+"/config_dump")
	if err != nil {
		return nil, err
	}
	config := &envoyConfig{}
	return config, json.Unmarshal(body, config)
}

// fileConfig reads the file that an Envoy is started with.
func fileConfig(path string) (*envoyConfig, error) {
	content, err := settings.ReadFile(context.Background(), path)
	if err != nil {
		return nil, err
	}
	var message any
	if err := yaml.Unmarshal(content, &message); err != nil {
		return nil, err
	}
	var bootstrap struct {
		Static struct {
			Listeners []object `json:"listeners"`
		} `json:"static_resources"`
	}
	part := configPart{}
	if err := errors.Join(decode(message, &bootstrap), decode(message, &part.Bootstrap)); err != nil {
		return nil, err
	}
	for _, listener := range bootstrap.Static.Listeners {
		part.StaticListeners = append(part.StaticListeners, listenerState{listener})
	}
	return &envoyConfig{Configs: []configPart{part}}, nil
}

// listenerName is the listener's name or, if it has none, its address.
func listenerName(listener object) string {
	if name, _ := listener["name"].(string); name != "" {
		return fmt.Sprintf("%q", name)
	}
	var at struct {
		Address struct {
			Socket struct {
				Address string `json:"address"`
				Port    int    `json:"port_value"`
			} `json:"socket_address"`
		} `json:"address"`
	}
	if decode(listener, &at) != nil || at.Address.Socket.Address == "" {
		return "without a name"
	}
	return fmt.Sprintf("%s:%d", at.Address.Socket.Address, at.Address.Socket.Port)
}

// merged are findings on several listeners, each once.
type merged struct {
	order []Finding
	names map[Finding][]string // the listeners, by what was found
}

func (m *merged) add(listener string, r *Report) {
	if m.names == nil {
		m.names = make(map[Finding][]string)
	}
	for _, f := range r.findings {
		if m.names[f] == nil {
			m.order = append(m.order, f)
		}
		if !slices.Contains(m.names[f], listener) {
			m.names[f] = append(m.names[f], listener)
		}
	}
}

func (m *merged) all() []Finding {
	all := slices.Clone(m.order)
	for i, f := range m.order {
		all[i].Check = strings.TrimSuffix("envoy listener "+strings.Join(m.names[f], ", "), " listener ")
	}
	return all
}

// checkManager checks an HTTP connection manager and returns how many filters
// it has that ask an ext_authz service.
func checkManager(r *Report, config *envoyConfig, message object, s *settings.Settings, tellHidden bool) int {
	m := &manager{}
	if err := decode(message, m); err != nil {
		r.fail("", err.Error(), "run a kinde-authz that is as new as this Envoy")
		return 0
	}
	filters, err := config.guards(m.Filters)
	if err != nil {
		r.fail("", "its ext_authz filter: "+err.Error(), "run a kinde-authz that is as new as this Envoy")
		return 1
	}
	if len(filters) == 0 {
		r.warn("", "it has no ext_authz filter over gRPC: nothing is checked there",
			"add the filter, unless this listener is meant to be open")
		return 0
	}
	policies, names := slices.Sorted(maps.Keys(s.Authorizer.Policies)), make([]string, len(filters))
	for i, f := range filters {
		names[i] = f.name
		checkFilter(r, f)
		checkTimes(r, f.GRPC)
		checkSeen(r, f, s.Authorizer.DropAuthorization)
		checkIdentity(r, m, f)
		checkMCPHeaders(r, f, s.Authorizer.Routes)
	}
	for _, table := range config.routeTables(m) {
		for _, f := range filters {
			checkRoutes(r, &table, f, policies, tellHidden)
			checkMCP(r, &table, f, s.Authorizer.Routes)
		}
		checkMisplaced(r, &table, names)
	}
	if owner := ownerOf(filters[0]); owner == istio {
		r.judge(asksAll(m), "", "the AuthorizationPolicy is for every request", Warning,
			"the AuthorizationPolicy is not for every request: what it leaves out is not checked",
			"leave rules: [{}] in it, and make routes public in the settings of kinde-authz")
	}
	checkOverriding(r, m)
	checkPaths(r, m)
	checkUpgrades(r, config, m)
	ownerOf(filters[0]).advise(r)
	return len(filters)
}

// guards returns the filters that ask an ext_authz service over gRPC.
func (c *envoyConfig) guards(filters []object) (guards []*authzFilter, err error) {
	for _, filter := range filters {
		name, _ := filter["name"].(string)
		disabled := filter["disabled"] == true
		if filter["config_discovery"] != nil {
			filter = c.extension(name)
		}
		typed, _ := filter["typed_config"].(map[string]any)
		for _, message := range ofType(typed, "ext_authz.v3.ExtAuthz") {
			guard := &authzFilter{name: name, disabled: disabled, matched: typed["@type"] != message["@type"]}
			if err := decode(message, guard); err != nil {
				return nil, err
			}
			if guard.GRPC != nil {
				guards = append(guards, guard)
			}
		}
	}
	return guards, nil
}

package party

import (
	"errors"

	"go.yaml.in/yaml/v4"
)

// authzCluster is what envoy.yaml calls the service's cluster.
const authzCluster = "kinde_authz"

// settings are the parts of envoy.yaml that are kept: the connection manager,
// the ext_authz filter and the service's cluster.
type settings struct{ manager, extAuthz, cluster node }

// derive makes an Envoy's configuration from the project's envoy.yaml: its
// own addresses, one gate, an answer instead of an upstream, and no access
// log. Everything else of the connection manager, of the ext_authz filter and
// of the service's cluster stays as it is.
func derive(text []byte, e *Envoy, gate Gate) ([]byte, error) {
	s, err := read(text)
	if err != nil {
		return nil, err
	}
	filters, clusters := []any{}, []any{}
	switch {
	case gate.Service != nil:
		if err := s.point(gate.Service); err != nil {
			return nil, err
		}
		filters, clusters = append(filters, s.extAuthz), append(clusters, s.cluster)
	case gate.Native != "":
		filters = append(filters, nativeFilters(gate.Domain, gate.Native, gate.Cached)...)
	}
	delete(s.manager, "access_log")
	s.manager["http_filters"] = append(filters, routerFilter())
	s.manager["route_config"] = routes()
	listener, err := socket(e.Address)
	if err != nil {
		return nil, err
	}
	admin, err := socket(e.admin)
	if err != nil {
		return nil, err
	}
	chain := node{"filters": []any{node{"name": "envoy.filters.network.http_connection_manager", "typed_config": s.manager}}}
	return toJSON(node{
		"admin": node{"address": admin},
		"static_resources": node{
			"listeners": []any{node{"name": "ingress", "address": listener, "filter_chains": []any{chain}}},
			"clusters":  clusters,
		},
	})
}

// point makes the cluster that of a service on this machine.
func (s settings) point(service *Service) error {
	address, err := socket(service.Address)
	if err != nil {
		return err
	}
	for _, name := range []string{"cluster_type", "ignore_health_on_host_removal"} {
		delete(s.cluster, name)
	}
	if !service.checked {
		delete(s.cluster, "health_checks")
	}
	if service.mapped {
		if config, ok := s.extAuthz["typed_config"].(node); ok {
			delete(config, "encode_raw_headers")
		}
	}
	s.cluster["type"] = "STATIC"
	s.cluster["load_assignment"] = node{"cluster_name": authzCluster, "endpoints": []any{
		node{"lb_endpoints": []any{node{"endpoint": node{"address": address}}}},
	}}
	return nil
}

// read finds the parts.
func read(text []byte) (settings, error) {
	var config struct {
		Static struct {
			Listeners []struct {
				Chains []struct {
					Filters []struct {
						Config node `yaml:"typed_config"`
					} `yaml:"filters"`
				} `yaml:"filter_chains"`
			} `yaml:"listeners"`
			Clusters []node `yaml:"clusters"`
		} `yaml:"static_resources"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		return settings{}, err
	}
	var s settings
	for _, listener := range config.Static.Listeners {
		for _, chain := range listener.Chains {
			for _, filter := range chain.Filters {
				s.manager = filter.Config
			}
		}
	}
	s.cluster = named(config.Static.Clusters, authzCluster)
	if filters, ok := s.manager["http_filters"].([]any); ok {
		s.extAuthz = named(nodes(filters), "envoy.filters.http.ext_authz")
	}
	if s.cluster == nil || s.extAuthz == nil {
		return s, errors.New("it has no cluster " + authzCluster + " or no ext_authz filter")
	}
	return s, nil
}

// named returns the piece with a name, or nil.
func named(pieces []node, name string) node {
	for _, piece := range pieces {
		if piece["name"] == name {
			return piece
		}
	}
	return nil
}

func nodes(list []any) []node {
	var found []node
	for _, item := range list {
		if piece, ok := item.(node); ok {
			found = append(found, piece)
		}
	}
	return found
}

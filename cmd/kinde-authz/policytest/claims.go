package policytest

import (
	"math"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
	"github.com/kinde-authz/kinde-authz/internal/strictyaml"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// What a token says where a case leaves it out.
const (
	sampleUser   = "kp_test"
	sampleClient = "client_test"
	sampleID     = "jti_test"
	lifetime     = 24 * time.Hour
)

// claims are those of a token that a case names; nil takes one away.
type claims map[string]any

// MayBeNull implements [strictyaml.Null]: no token is sent.
func (*claims) MayBeNull() {}

// UnmarshalYAML takes every value that JSON has.
func (c *claims) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return strictyaml.Refuse(node, "want claims, like {sub: kp_1, permissions: [agents:run]}")
	}
	value, err := claim(node)
	if err == nil {
		*c = value.(map[string]any)
	}
	return err
}

// claim returns what JSON makes of a value.
func claim(node *yaml.Node) (any, error) {
	switch {
	case node.Kind == yaml.AliasNode, node.Anchor != "", node.Style&yaml.TaggedStyle != 0:
		return nil, strictyaml.Refuse(node, "anchors, aliases and tags are not supported")
	case node.Kind == yaml.MappingNode:
		return object(node)
	case node.Kind == yaml.SequenceNode:
		list := make([]any, 0, len(node.Content))
		for _, item := range node.Content {
			value, err := claim(item)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	}
	return scalar(node)
}

func object(node *yaml.Node) (map[string]any, error) {
	all := make(map[string]any, len(node.Content)/2)
	for pair := range slices.Chunk(node.Content, 2) {
		name := pair[0]
		if name.Kind != yaml.ScalarNode || name.Tag != "!!str" || name.Anchor != "" {
			return nil, strictyaml.Refuse(name, "want a name; put a name that is a number, a date, true, false or null in quotes")
		}
		if _, twice := all[name.Value]; twice {
			return nil, strictyaml.Refuse(name, "%s is set twice", name.Value)
		}
		value, err := claim(pair[1])
		if err != nil {
			return nil, err
		}
		all[name.Value] = value
	}
	return all, nil
}

func scalar(node *yaml.Node) (any, error) {
	switch node.Tag {
	case "!!null":
		return nil, nil //nolint:nilnil // that is null
	case "!!bool":
		var value bool
		return value, node.Decode(&value)
	case "!!int":
		var value int64
		if node.Decode(&value) != nil {
			return nil, strictyaml.Refuse(node, "%s: want a whole number of at most 64 bits", node.Value)
		}
		return value, nil
	case "!!float":
		var value float64
		if node.Decode(&value) != nil || math.IsInf(value, 0) || math.IsNaN(value) {
			return nil, strictyaml.Refuse(node, "%s: JSON has no such number", node.Value)
		}
		return value, nil
	default: // a string, or a date, which JSON writes as one
		return node.Value, nil
	}
}

// complete returns the claims of the case's token, with those of a good one where the
// case names none, and when it was issued. The audience is what the resource of the
// request needs, nil for none.
func (c claims) complete(s *settings.Settings, audience []string, now time.Time) (map[string]any, time.Time) {
	issuer := s.Verifier.Issuers[0]
	for _, one := range s.Verifier.Issuers {
		if c["iss"] == one.Domain {
			issuer = one
		}
	}
	switch seconds := c["iat"].(type) {
	case int64:
		now = time.Unix(seconds, 0)
	case float64:
		now = time.Unix(int64(seconds), 0)
	}
	token := sample(issuer, s.Authorizer.Issuers[issuer.Domain].AllowedOrgs, audience, now)
	if c["gty"] != nil {
		delete(token, "sub")
	}
	for name, value := range c {
		token[name] = value
		if value == nil {
			delete(token, name)
		}
	}
	return token, now
}

// sample returns the claims of a good user's token.
func sample(issuer kinde.Issuer, orgs, audience []string, now time.Time) map[string]any {
	if audience == nil {
		audience = issuer.Audience
	}
	token := map[string]any{
		"iss": issuer.Domain, "aud": audience[:min(1, len(audience))], "sub": sampleUser, "azp": sampleClient, "jti": sampleID,
		"iat": now.Unix(), "exp": now.Add(lifetime).Unix(),
	}
	if len(audience) == 0 {
		token["aud"] = []string{}
	}
	if len(orgs) > 0 {
		token["org_code"] = orgs[0]
	}
	return token
}

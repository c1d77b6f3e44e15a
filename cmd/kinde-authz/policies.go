package main

import (
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// checkPolicies takes the policies of the file.
func (c *flags) checkPolicies(s *settings, f *file) error {
	s.policy.Policies = make(map[string]authz.Policy, len(f.Policies))
	for _, name := range slices.Sorted(maps.Keys(f.Policies)) {
		policy, err := c.policy(f.Policies[name].value)
		if err != nil {
			return err
		}
		if name == "" {
			return refuse(f.Policies[name].node, "a policy has no name")
		}
		s.policy.Policies[name] = policy
	}
	return nil
}

func (c *flags) policy(p policySettings) (policy authz.Policy, err error) {
	policy.AllowWithoutOrg = bool(p.AllowWithoutOrg)
	if policy.Actors, err = c.actors(p.Actors); err != nil {
		return policy, err
	}
	if policy.AllowedOrgs, err = c.each("allowed_orgs", p.AllowedOrgs, authz.CheckOrg); err != nil {
		return policy, err
	}
	if policy.Scopes, err = c.each("scopes", p.Scopes, authz.CheckScope); err != nil {
		return policy, err
	}
	policy.Permissions, policy.Roles = values(p.Permissions), values(p.Roles)
	if p.FeatureFlags != nil {
		policy.FeatureFlags = make(map[string]kinde.FlagValue, len(p.FeatureFlags))
	}
	for name, flag := range p.FeatureFlags {
		policy.FeatureFlags[name] = flag.value
	}
	return policy, nil
}

// each returns the strings of a list that is checked item by item.
func (c *flags) each(name string, list []text, check func(string) error) ([]string, error) {
	for _, item := range list {
		if err := check(item.value); err != nil {
			return nil, refuse(item.node, "%s: %v", name, err)
		}
	}
	return values(list), nil
}

func (c *flags) actors(list []text) (actors []kinde.Actor, err error) {
	words, err := c.each("actors", list, oneOf(authz.CheckActor, actorNames))
	for _, word := range words {
		actors = append(actors, kinde.Actor(word))
	}
	return actors, err
}

// checkRoutes takes the routes of the file.
func (c *flags) checkRoutes(s *settings, f *file) error {
	for _, r := range f.Routes {
		if err := checkPolicyName(s, r.value.Policy); err != nil {
			return err
		}
		route := authz.Route{Path: r.value.Path.value, Policy: r.value.Policy.value, Public: bool(r.value.Public), Deny: bool(r.value.Deny)}
		if r.value.Path.node == nil {
			return refuse(r.node, "each route needs a path, like /api/**")
		}
		if err := authz.CheckPath(route.Path); err != nil {
			return refuse(r.value.Path.node, "path: %v", err)
		}
		var err error
		if route.Methods, err = c.each("methods", r.value.Methods, oneOf(authz.CheckMethod, methods)); err != nil {
			return err
		}
		if err := route.Check(s.policy.Policies); err != nil {
			return refuse(placeOf(r), "%v", err)
		}
		s.policy.Routes = append(s.policy.Routes, route)
	}
	return nil
}

// checkPolicyName refuses the name of a policy that the file does not define.
func checkPolicyName(s *settings, name text) error {
	_, defined := s.policy.Policies[name.value]
	switch known := slices.Sorted(maps.Keys(s.policy.Policies)); {
	case defined || name.node == nil:
		return nil
	case name.value == "default":
		return refuse(name.node, "no policy is named %q: define it under policies, or leave policy out", name.value)
	case len(known) == 0:
		return refuse(name.node, "no policy is named %q: the file defines none", name.value)
	default:
		return refuse(name.node, "no policy is named %q: %s", name.value, suggestion(name.value, known))
	}
}

var (
	methods    = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"}
	actorNames = []string{string(kinde.User), string(kinde.System)}
)

// oneOf adds the known word that was probably meant to the errors of a check.
func oneOf(check func(string) error, known []string) func(string) error {
	return func(word string) error {
		err := check(word)
		if err == nil {
			return nil
		}
		return fmt.Errorf("%w%s", err, didYouMean(word, known))
	}
}

// placeOf is the node to name when the settings of a route contradict each other.
func placeOf(r located[routeSettings]) *yaml.Node {
	if r.value.Policy.node != nil {
		return r.value.Policy.node
	}
	return r.value.Path.node
}

func (c *flags) checkHeaders(s *settings, f *file) error {
	s.policy.DropAuthorization = f.Headers.ForwardAuthorization != nil && !bool(*f.Headers.ForwardAuthorization)
	s.policy.ClaimHeaders = make(map[string]string, len(f.Headers.Claims))
	for _, name := range slices.Sorted(maps.Keys(f.Headers.Claims)) {
		claim := f.Headers.Claims[name]
		if err := authz.CheckClaimHeader(name); err != nil {
			return refuse(claim.node, "headers.claims: %v", err)
		}
		s.policy.ClaimHeaders[name] = claim.value
	}
	s.policy.CachedTokens = 100_000
	if f.TokenCache.Entries != nil {
		s.policy.CachedTokens = int(*f.TokenCache.Entries)
	}
	if f.Log.SampleAllows != nil {
		s.loggedAllows = float64(*f.Log.SampleAllows)
	}
	return nil
}

func (c *flags) checkResource(s *settings, f *file) error {
	if f.Resource.node == nil {
		return nil
	}
	identifier := f.Resource.value.Identifier
	if identifier.node == nil {
		return refuse(f.Resource.node, "resource needs an identifier: the API's address, like https://api.yourapp.com")
	}
	scopes, err := c.each("resource.scopes", f.Resource.value.Scopes, authz.CheckScope)
	if err != nil {
		return err
	}
	resource := &authz.Resource{Identifier: identifier.value, Scopes: scopes, InsecureHTTP: s.verifier.InsecureHTTP}
	for _, issuer := range s.verifier.Issuers {
		resource.AuthorizationServers = append(resource.AuthorizationServers, issuer.Domain)
	}
	if err := resource.Check(); err != nil {
		return refuse(identifier.node, "resource: %v", err)
	}
	s.policy.Resource = resource
	return nil
}

package settings

import (
	"strings"
	"time"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// What the file says becomes what kinde and authz are configured with. They check
// it themselves.

func (f *file) verifier() kinde.Config {
	return kinde.Config{
		Leeway: f.Leeway.or(30 * time.Second), InsecureHTTP: bool(f.InsecureHTTP),
		Refresh: time.Duration(f.JWKS.Refresh), MaxStale: time.Duration(f.JWKS.MaxStale), Timeout: time.Duration(f.JWKS.Timeout),
	}
}

// authorizer is without issuers and resources: those are not the file's alone.
func (f *file) authorizer() authz.Config {
	config := authz.Config{
		Issuers:           make(map[string]authz.Rules),
		Policies:          make(map[string]authz.Policy, len(f.Policies)),
		ClaimHeaders:      make(map[string]string, len(f.Headers.Claims)),
		DropAuthorization: f.Headers.ForwardAuthorization != nil && !bool(*f.Headers.ForwardAuthorization),
		CachedTokens:      f.TokenCache.Entries.or(100_000),
		Assertion:         f.Assertion.assertion(),
	}
	for name, p := range f.Policies {
		config.Policies[name] = p.policy()
	}
	for _, r := range f.Routes {
		config.Routes = append(config.Routes, r.route())
	}
	for name, claim := range f.Headers.Claims {
		config.ClaimHeaders[name] = string(claim)
	}
	return config
}

func (i *issuerSettings) issuer() (kinde.Issuer, authz.Rules) {
	return kinde.Issuer{Domain: strings.TrimRight(string(i.Domain), "/"), Audience: values[string](i.Audience), JWKSFile: string(i.JWKSFile)},
		authz.Rules{AllowedOrgs: values[string](i.AllowedOrgs), Actors: values[kinde.Actor](i.Actors)}
}

func (p *policySettings) policy() authz.Policy {
	policy := authz.Policy{
		Actors: values[kinde.Actor](p.Actors), AllowedOrgs: values[string](p.AllowedOrgs), AllowWithoutOrg: bool(p.AllowWithoutOrg),
		Scopes: values[string](p.Scopes), Permissions: values[string](p.Permissions), Roles: values[string](p.Roles),
		Shadow: bool(p.Shadow),
	}
	if p.FeatureFlags != nil {
		policy.FeatureFlags = make(map[string]kinde.FlagValue, len(p.FeatureFlags))
	}
	for name, flag := range p.FeatureFlags {
		policy.FeatureFlags[name] = flag.value
	}
	return policy
}

func (r *routeSettings) route() authz.Route {
	return authz.Route{
		Path: string(r.Path), Methods: values[string](r.Methods), Policy: string(r.Policy), Public: bool(r.Public), Deny: bool(r.Deny),
		MCP: r.MCP.mcp(),
	}
}

func (m *mcpSettings) mcp() *authz.MCP {
	if m == nil {
		return nil
	}
	mcp := &authz.MCP{Origins: values[string](m.Origins), EnvoyMetadata: bool(m.EnvoyMetadata)}
	for _, t := range m.Tools {
		mcp.Tools = append(mcp.Tools, authz.Tool{Name: string(t.Name), Policy: string(t.Policy)})
	}
	return mcp
}

// resources name the issuers as authorization servers.
func (f *file) resources(verifier kinde.Config) []authz.Resource {
	var servers []string
	for _, issuer := range verifier.Issuers {
		servers = append(servers, issuer.Domain)
	}
	var all []authz.Resource
	for _, r := range f.Resources {
		all = append(all, authz.Resource{
			Identifier: string(r.Identifier), Audience: values[string](r.Audience), Scopes: values[string](r.Scopes),
			Name: string(r.Name), Documentation: string(r.Documentation),
			AuthorizationServers: servers, InsecureHTTP: verifier.InsecureHTTP,
		})
	}
	return all
}

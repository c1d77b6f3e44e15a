package authz

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// defaultPolicy is the policy that applies when nothing else is chosen.
const defaultPolicy = "default"

// public is the policy of public routes. It has no name, so that nobody can
// choose it.
var public = &policy{}

// Policy says which verified tokens may pass where it applies, beside the rules
// of their issuer. The zero value adds nothing to those.
type Policy struct {
	// Actors and AllowedOrgs are as in [Rules]; both must hold.
	Actors      []kinde.Actor
	AllowedOrgs []string
	// AllowWithoutOrg lets a token without an organization pass both lists of
	// organizations.
	AllowWithoutOrg bool
	// Scopes, Permissions and Roles are what the token must have, all of it.
	// An empty list is an error.
	Scopes, Permissions, Roles []string
	// FeatureFlags are the values that the token's flags must have. A machine
	// never has them: its flags are those of the environment, not of an
	// organization.
	FeatureFlags map[string]kinde.FlagValue
}

// policy is a Policy, ready for use.
type policy struct {
	rules
	name                       string
	withoutOrg                 bool
	scopes, permissions, roles []string
	flags                      []flag
	scope                      string // scopes as a challenge names them
}

type flag struct {
	name  string
	value kinde.FlagValue
}

func (p Policy) compile(name string) (*policy, error) {
	base, err := Rules{AllowedOrgs: p.AllowedOrgs, Actors: p.Actors}.compile()
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", name, err)
	}
	for what, list := range map[string][]string{"scopes": p.Scopes, "permissions": p.Permissions, "roles": p.Roles} {
		if list != nil && len(list) == 0 || slices.Contains(list, "") {
			return nil, fmt.Errorf("policy %s: %s is empty: name at least one, or leave it out", name, what)
		}
	}
	for _, scope := range p.Scopes {
		if err := CheckScope(scope); err != nil {
			return nil, fmt.Errorf("policy %s: scopes: %w", name, err)
		}
	}
	compiled := &policy{
		rules: *base, name: name, withoutOrg: p.AllowWithoutOrg,
		scopes: slices.Clone(p.Scopes), permissions: slices.Clone(p.Permissions), roles: slices.Clone(p.Roles),
		scope: strings.Join(p.Scopes, " "),
	}
	for _, name := range slices.Sorted(maps.Keys(p.FeatureFlags)) {
		compiled.flags = append(compiled.flags, flag{name, p.FeatureFlags[name]})
	}
	return compiled, nil
}

// compilePolicies adds the default policy where there is none.
func compilePolicies(policies map[string]Policy) (map[string]*policy, error) {
	all := make(map[string]*policy, len(policies)+1)
	all[defaultPolicy], _ = Policy{}.compile(defaultPolicy)
	for name, p := range policies {
		if name == "" {
			return nil, errors.New("a policy has no name")
		}
		compiled, err := p.compile(name)
		if err != nil {
			return nil, err
		}
		all[name] = compiled
	}
	return all, nil
}

// CheckScope reports what is wrong with a scope (RFC 6749, section 3.3): a
// challenge could not name it.
func CheckScope(scope string) error {
	for i := range len(scope) {
		if c := scope[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return fmt.Errorf("%q: want a scope of visible ASCII characters, without blanks, \" and \\", scope)
		}
	}
	if scope == "" {
		return errors.New("a scope is empty")
	}
	return nil
}

// refuse returns the reason why the token may not pass, empty when it may.
// issuer are the rules of the token's issuer. Where the path names an
// organization, it must be the token's.
func (p *policy) refuse(token *kinde.Token, issuer *rules, pathOrg string, inPath bool) Reason {
	switch {
	case !issuer.admitsActor(token.Actor) || !p.admitsActor(token.Actor):
		return ActorNotAllowed
	case token.OrgCode == "" && !p.withoutOrg && (issuer.orgs != nil || p.orgs != nil):
		return OrgMissing
	case token.OrgCode != "" && (!issuer.admitsOrg(token.OrgCode) || !p.admitsOrg(token.OrgCode)):
		return OrgNotAllowed
	case inPath && (token.OrgCode == "" || token.OrgCode != pathOrg):
		return OrgMismatch
	case !hasAll(token.Scopes, p.scopes):
		return InsufficientScope
	case !hasAll(token.Permissions, p.permissions):
		return MissingPermission
	case !hasAll(token.Roles, p.roles):
		return MissingRole
	case !p.flagsOn(token):
		return FeatureDisabled
	default:
		return ""
	}
}

func hasAll(has, wanted []string) bool {
	for _, one := range wanted {
		if !slices.Contains(has, one) {
			return false
		}
	}
	return true
}

func (p *policy) flagsOn(token *kinde.Token) bool {
	for _, flag := range p.flags {
		if value, ok := token.Flag(flag.name); !ok || value != flag.value || token.Actor != kinde.User {
			return false
		}
	}
	return true
}

package authz

import (
	"errors"
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

// anyToken is the policy where none is defined: every good token passes.
var anyToken, _ = Policy{}.compile(defaultPolicy, newRequirements())

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
	// Shadow makes the policy deny nothing: what it would have answered is told
	// by [Decision.ShadowReason]. AllowWithoutOrg holds all the same.
	Shadow bool
}

// policy is a Policy, ready for use.
type policy struct {
	rules
	name                              string
	withoutOrg                        bool
	scopes, permissions, roles, flags []requirement
	scope                             string  // scopes as a challenge names them, none in shadow
	always                            *policy // what counts of a policy in shadow, nil for any other
}

func (p Policy) compile(name string, known *requirements) (*policy, error) {
	base, err := Rules{AllowedOrgs: p.AllowedOrgs, Actors: p.Actors}.compile()
	if err != nil {
		return nil, err
	}
	for _, err := range []error{
		checkEach("scopes", p.Scopes, checkScope),
		checkEach("permissions", p.Permissions, checkNotEmpty),
		checkEach("roles", p.Roles, checkNotEmpty),
	} {
		if err != nil {
			return nil, err
		}
	}
	compiled := &policy{
		rules: *base, name: name, withoutOrg: p.AllowWithoutOrg, scope: strings.Join(p.Scopes, " "),
		scopes: known.all(known.scopes, p.Scopes), permissions: known.all(known.permissions, p.Permissions), roles: known.all(known.roles, p.Roles),
	}
	for _, name := range slices.Sorted(maps.Keys(p.FeatureFlags)) {
		compiled.flags = append(compiled.flags, requirement{name, number(known, known.flags, flag{name, p.FeatureFlags[name]})})
	}
	if p.Shadow {
		compiled.scope, compiled.always = "", &policy{name: name, withoutOrg: p.AllowWithoutOrg}
	}
	return compiled, nil
}

// policies are those that are defined, by name.
type policies map[string]*policy

// of returns the policy of a route that names one, or none. It is nil for a name
// that is not defined.
func (p policies) of(name string) *policy {
	if name != "" {
		return p[name]
	}
	if defined := p[defaultPolicy]; defined != nil {
		return defined
	}
	return anyToken
}

// compilePolicies also returns what they all want.
func compilePolicies(defined map[string]Policy) (policies, *requirements, error) {
	all, known := make(policies, len(defined)), newRequirements()
	for _, name := range slices.Sorted(maps.Keys(defined)) {
		if name == "" {
			return nil, nil, at(errors.New("a policy has no name"), "policies", name)
		}
		compiled, err := defined[name].compile(name, known)
		if err != nil {
			return nil, nil, at(err, "policies", name)
		}
		all[name] = compiled
	}
	return all, known, nil
}

// refuse returns the reason why the token may not pass, empty when it may.
// Where the path names an organization, it must be the token's.
func (p *policy) refuse(id *identity, pathOrg string, inPath bool) Reason {
	met := id.met
	switch {
	case p.refusesActor(id):
		return ActorNotAllowed
	case p.missesOrg(id):
		return OrgMissing
	case p.refusesOrg(id):
		return OrgNotAllowed
	case inPath && (id.org == "" || id.org != pathOrg):
		return OrgMismatch
	case met.lacks(p.scopes):
		return InsufficientScope
	case met.lacks(p.permissions):
		return MissingPermission
	case met.lacks(p.roles):
		return MissingRole
	case met.lacks(p.flags):
		return FeatureDisabled
	default:
		return ""
	}
}

// refusesActor, like the two that follow, asks the rules of the token's issuer too.
func (p *policy) refusesActor(id *identity) bool {
	return !id.issuer.admitsActor(id.actor) || !p.admitsActor(id.actor)
}
func (p *policy) missesOrg(id *identity) bool {
	return id.org == "" && !p.withoutOrg && (id.issuer.orgs != nil || p.orgs != nil)
}
func (p *policy) refusesOrg(id *identity) bool {
	return id.org != "" && (!id.issuer.admitsOrg(id.org) || !p.admitsOrg(id.org))
}

// required returns the requirements that the reason speaks of.
func (p *policy) required(reason Reason) []requirement {
	switch reason {
	case InsufficientScope:
		return p.scopes
	case MissingPermission:
		return p.permissions
	case MissingRole:
		return p.roles
	case FeatureDisabled:
		return p.flags
	default:
		return nil
	}
}

package authz

import (
	"fmt"
	"maps"
	"slices"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// Rules say which verified tokens of one issuer may pass. The zero value lets
// every user and machine pass, of any organization or none.
type Rules struct {
	// AllowedOrgs are the codes of the organizations that may pass. Nil is
	// all, and none too; an empty list is an error.
	AllowedOrgs []string
	// Actors are who may pass. Nil is users and machines; an empty list is an
	// error.
	Actors []kinde.Actor
}

// rules is Rules, ready for use.
type rules struct {
	domain string              // of the issuer, empty in a policy
	orgs   map[string]struct{} // nil is any
	actors []kinde.Actor       // nil is users and machines
}

func (r Rules) compile() (*rules, error) {
	if err := checkEach("actors", r.Actors, checkActor); err != nil {
		return nil, err
	}
	if err := checkEach("allowed_orgs", r.AllowedOrgs, checkOrg); err != nil {
		return nil, err
	}
	compiled := &rules{actors: slices.Clone(r.Actors)}
	if r.AllowedOrgs != nil {
		compiled.orgs = make(map[string]struct{}, len(r.AllowedOrgs))
	}
	for _, org := range r.AllowedOrgs {
		compiled.orgs[org] = struct{}{}
	}
	return compiled, nil
}

// compileIssuers returns the rules of each issuer, by its domain.
func compileIssuers(defined map[string]Rules) (map[string]*rules, error) {
	all := make(map[string]*rules, len(defined))
	for _, domain := range slices.Sorted(maps.Keys(defined)) {
		compiled, err := defined[domain].compile()
		if err != nil {
			return nil, at(err, "issuers", domain)
		}
		compiled.domain = domain
		all[domain] = compiled
	}
	return all, nil
}

func checkActor(actor kinde.Actor) error {
	if actor != kinde.User && actor != kinde.System {
		return fmt.Errorf("%q: want user or system", actor)
	}
	return nil
}

// checkOrg refuses what no token could have as the code of its organization.
func checkOrg(code string) error {
	if !kinde.IsOrgCode(code) {
		return fmt.Errorf("%q: want an organization's code, like org_abc123: 1 to 128 letters, digits, _ or -", code)
	}
	return nil
}

// admitsActor reports whether a user, or a machine, may pass. Nobody else ever may.
func (r *rules) admitsActor(actor kinde.Actor) bool {
	if r.actors == nil {
		return actor == kinde.User || actor == kinde.System
	}
	return slices.Contains(r.actors, actor)
}

// admitsOrg reports whether a token of that organization may pass.
func (r *rules) admitsOrg(code string) bool {
	if r.orgs == nil {
		return true
	}
	_, listed := r.orgs[code]
	return listed
}

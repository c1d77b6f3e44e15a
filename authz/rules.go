package authz

import (
	"errors"
	"fmt"
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
	compiled := &rules{actors: slices.Clone(r.Actors)}
	if r.Actors != nil && len(r.Actors) == 0 {
		return nil, errors.New("actors is empty: want user, system or both, or leave it out")
	}
	for _, actor := range r.Actors {
		if err := CheckActor(string(actor)); err != nil {
			return nil, fmt.Errorf("actors: %w", err)
		}
	}
	if r.AllowedOrgs == nil {
		return compiled, nil
	}
	if len(r.AllowedOrgs) == 0 {
		return nil, errors.New("allowed_orgs is empty: want organization codes, or leave it out")
	}
	compiled.orgs = make(map[string]struct{}, len(r.AllowedOrgs))
	for _, org := range r.AllowedOrgs {
		if err := CheckOrg(org); err != nil {
			return nil, fmt.Errorf("allowed_orgs: %w", err)
		}
		compiled.orgs[org] = struct{}{}
	}
	return compiled, nil
}

// CheckActor reports what is wrong with the word for an actor.
func CheckActor(actor string) error {
	if a := kinde.Actor(actor); a != kinde.User && a != kinde.System {
		return fmt.Errorf("%q: want user or system", actor)
	}
	return nil
}

// CheckOrg reports what is wrong with an organization's code: no token could
// have it.
func CheckOrg(code string) error {
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

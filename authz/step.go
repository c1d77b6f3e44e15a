package authz

import (
	"slices"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// Step is one of the questions that a decision asks, and how it was answered.
type Step struct {
	// Name says what was looked at.
	Name string
	// Outcome is how it went.
	Outcome Outcome
}

// Outcome is how a step of a decision went.
type Outcome string

// The outcomes of a step.
const (
	Passed     Outcome = "passed"
	Decided    Outcome = "decided" // here the request was denied, or answered
	NotReached Outcome = "not reached"
)

// steps are the questions in the order in which [Authorizer.Decide] and
// [kinde.Verifier.Verify] ask them, each with the reasons it can end with.
var steps = []struct {
	name    string
	reasons []Reason
}{
	{"path", []Reason{BadPath}},
	{"Connection header", []Reason{BadRequest}},
	{"policy named by Envoy", []Reason{UnknownPolicy}},
	{"protected resource metadata", []Reason{MetadataDocument}},
	{"public route", []Reason{Public}},
	{"credentials", []Reason{MissingToken, MalformedAuthorization}},
	{"form of the token", []Reason{kinde.MalformedToken}},
	{"algorithm", []Reason{kinde.UnsupportedAlgorithm}},
	{"issuer", []Reason{kinde.WrongIssuer}},
	{"key", []Reason{kinde.KeysUnavailable, kinde.UnknownKey}},
	{"signature", []Reason{kinde.Overloaded, kinde.BadSignature}},
	{"claims and times", []Reason{kinde.InvalidClaims, kinde.TokenExpired, kinde.TokenNotYetValid}},
	{"audience", []Reason{kinde.EmptyAudience, kinde.WrongAudience}},
	{"kind of token", []Reason{kinde.NotAnAccessToken}},
	{"user or machine", []Reason{kinde.UnknownActor}},
	{"actor", []Reason{ActorNotAllowed}},
	{"organization", []Reason{OrgMissing, OrgNotAllowed}},
	{"organization in the path", []Reason{OrgMismatch}},
	{"scopes", []Reason{InsufficientScope}},
	{"permissions", []Reason{MissingPermission}},
	{"roles", []Reason{MissingRole}},
	{"feature flags", []Reason{FeatureDisabled}},
}

// Steps returns what the decision looked at, in order. All passed in one that
// allows a token; after a fault of the service none is known to have.
func (d *Decision) Steps() []Step {
	list, outcome := make([]Step, 0, len(steps)), Passed
	if d.Reason == InternalError {
		outcome = NotReached
	}
	for _, s := range steps {
		if slices.Contains(s.reasons, d.Reason) {
			list, outcome = append(list, Step{s.name, Decided}), NotReached
			continue
		}
		list = append(list, Step{s.name, outcome})
	}
	return list
}

// Hint says, for the operator, which setting here or in Kinde to look at. It is
// empty for an allowed request.
func (d *Decision) Hint() string {
	if d.allowed {
		return ""
	}
	return answers[d.Reason].hint
}

// Status is the HTTP status of the answer, zero for an allowed request, which
// the upstream answers.
func (d *Decision) Status() int {
	if d.allowed {
		return 0
	}
	return answers[d.Reason].status
}

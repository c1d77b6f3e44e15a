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
	Passed        Outcome = "passed"
	NotConfigured Outcome = "not configured" // nothing was asked, so everything passes
	Decided       Outcome = "decided"        // here the request was denied, or answered
	NotReached    Outcome = "not reached"
	WouldDeny     Outcome = "would deny" // but that the policy is in shadow
)

// step is a question, with the reasons it can end with.
type step struct {
	name    string
	reasons []Reason
	asked   func(*Decision) bool // whether it is asked at all; nil for always
	detail  string               // of the reason, where two steps share it
	tool    bool                 // of the tool's policy, which has the reasons of the route's
}

// steps are the questions in the order in which [Authorizer.Decide] and
// [kinde.Verifier.Verify] ask them.
var steps = []step{
	{
		name:    "method",
		reasons: []Reason{BadRequest},
		detail:  methodDetail,
		asked:   func(d *Decision) bool { return d.asked.paths },
	},
	{name: "path", reasons: []Reason{BadPath}, asked: func(d *Decision) bool { return d.asked.paths }},
	{name: "Connection header", reasons: []Reason{BadRequest}, detail: connectionDetail},
	{name: "policy named by Envoy", reasons: []Reason{UnknownPolicy}, asked: func(d *Decision) bool { return d.named }},
	{
		name:    "protected resource metadata",
		reasons: []Reason{MetadataDocument},
		asked:   func(d *Decision) bool { return d.asked.resources },
	},
	{name: "route", reasons: []Reason{NoRoute, RouteDenied}, asked: func(d *Decision) bool { return d.asked.routes }},
	{name: "public route", reasons: []Reason{Public}, asked: func(d *Decision) bool { return d.asked.routes }},
	{
		name:    "origin",
		reasons: []Reason{OriginNotAllowed},
		asked:   func(d *Decision) bool { return d.route.mcp != nil && d.route.mcp.origins != nil },
	},
	{name: "credentials", reasons: []Reason{MissingToken, MalformedAuthorization}},
	{name: "form of the token", reasons: []Reason{kinde.MalformedToken}},
	{name: "algorithm", reasons: []Reason{kinde.UnsupportedAlgorithm}},
	{name: "issuer", reasons: []Reason{kinde.WrongIssuer}},
	{name: "key", reasons: []Reason{kinde.KeysUnavailable, kinde.UnknownKey}},
	{name: "signature", reasons: []Reason{kinde.Overloaded, kinde.BadSignature}},
	{name: "claims and times", reasons: []Reason{kinde.InvalidClaims, kinde.TokenExpired, kinde.TokenNotYetValid}},
	{name: "kind of token", reasons: []Reason{kinde.NotAnAccessToken}},
	{
		name:    "audience",
		reasons: []Reason{kinde.EmptyAudience, kinde.WrongAudience},
		asked:   func(d *Decision) bool { return d.resource.ownAudience() || !d.identity.anyAudience },
	},
	{name: "user or machine", reasons: []Reason{kinde.UnknownActor}},
	{
		name:    "actor",
		reasons: []Reason{ActorNotAllowed},
		asked:   func(d *Decision) bool { return d.identity.issuer.actors != nil || d.policy.actors != nil },
	},
	{
		name:    "organization",
		reasons: []Reason{OrgMissing, OrgNotAllowed},
		asked:   func(d *Decision) bool { return d.identity.issuer.orgs != nil || d.policy.orgs != nil },
	},
	{
		name:    "organization in the path",
		reasons: []Reason{OrgMismatch},
		asked:   func(d *Decision) bool { return d.route.pattern.org >= 0 },
	},
	{
		name:    "scopes",
		reasons: []Reason{InsufficientScope},
		asked:   func(d *Decision) bool { return len(d.policy.scopes) > 0 },
	},
	{
		name:    "permissions",
		reasons: []Reason{MissingPermission},
		asked:   func(d *Decision) bool { return len(d.policy.permissions) > 0 },
	},
	{name: "roles", reasons: []Reason{MissingRole}, asked: func(d *Decision) bool { return len(d.policy.roles) > 0 }},
	{
		name:    "feature flags",
		reasons: []Reason{FeatureDisabled},
		asked:   func(d *Decision) bool { return len(d.policy.flags) > 0 },
	},
	{name: "MCP message", reasons: []Reason{MCPUnreadable}, asked: func(d *Decision) bool { return d.reads }},
	{
		name:    "tool",
		reasons: []Reason{ToolNotAllowed},
		asked:   func(d *Decision) bool { return d.MCPTool() != "" && d.route.mcp.tools != nil },
	},
	{
		name: "policy of the tool",
		reasons: []Reason{
			ActorNotAllowed, OrgMissing, OrgNotAllowed, OrgMismatch,
			InsufficientScope, MissingPermission, MissingRole, FeatureDisabled,
		},
		tool:  true,
		asked: func(d *Decision) bool { return d.tool != nil },
	},
}

// decided reports whether the decision was made at this step.
func (s *step) decided(d *Decision) bool {
	return s.tool == d.byTool && slices.Contains(s.reasons, d.Reason) && (s.detail == "" || s.detail == d.Detail)
}

// wouldDeny reports whether the decision would have been made at this step, were the
// policy not in shadow.
func (s *step) wouldDeny(d *Decision) bool {
	asked := d.policy
	if s.tool {
		asked = d.tool
	}
	return d.shadowed != nil && slices.ContainsFunc(s.reasons, func(r Reason) bool { return asked.fails(r, d.identity) })
}

// Steps returns what the decision looked at, in order. After a fault of the
// service nothing is known to have been.
func (d *Decision) Steps() []Step {
	list, reached := make([]Step, 0, len(steps)), d.asked.any && d.Reason != InternalError
	for _, s := range steps {
		outcome := Passed
		switch {
		case !reached:
			outcome = NotReached
		case s.decided(d):
			outcome, reached = Decided, false
		case s.asked != nil && !s.asked(d):
			outcome = NotConfigured
		case s.wouldDeny(d):
			outcome = WouldDeny
		}
		list = append(list, Step{s.name, outcome})
	}
	return list
}

package authz

// ShadowReasons returns the reasons that [Decision.ShadowReason] can have, in the
// order in which a policy is judged.
func ShadowReasons() []Reason {
	return []Reason{
		ActorNotAllowed, OrgMissing, OrgNotAllowed,
		InsufficientScope, MissingPermission, MissingRole, FeatureDisabled,
	}
}

// judge is refuse for the policy of a route or a tool. What a policy in shadow alone refuses
// is not refused but told beside: its issuer's rules and the organization in the
// path count all the same, and where they end the decision first, nothing is told.
func (p *policy) judge(id *identity, pathOrg string, inPath bool) (refused, shadowed Reason) {
	if p.always == nil {
		return p.refuse(id, pathOrg, inPath), ""
	}
	refused = p.always.refuse(id, pathOrg, inPath)
	if shadowed = p.refuse(id, pathOrg, inPath); shadowed == refused {
		return refused, ""
	}
	return refused, shadowed
}

// shadow notes what a policy in shadow would have answered. Of several the first in
// the order of the decision counts.
func (d *Decision) shadow(p *policy, reason Reason) {
	if reason != "" {
		d.shadowed, d.shadowReason = p, reason
	}
}

// ShadowReason is what the first policy in shadow that would have denied the request
// would have answered, empty where none would. The decision itself does not follow
// from it.
func (d *Decision) ShadowReason() Reason { return d.shadowReason }

// fails reports whether a policy in shadow would deny with this reason, if it were
// alone in question. It is for those who look at single steps; where one is reached, the
// issuer's rules refused nothing there.
func (p *policy) fails(reason Reason, id *identity) bool {
	switch {
	case p == nil || p.always == nil:
		return false
	case reason == ActorNotAllowed:
		return p.refusesActor(id)
	case reason == OrgMissing:
		return p.missesOrg(id)
	case reason == OrgNotAllowed:
		return p.refusesOrg(id)
	default:
		return id.met.lacks(p.required(reason))
	}
}

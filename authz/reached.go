package authz

// Reached is what of a configuration a decision was made with, for those who want to
// know what their tests cover.
type Reached struct {
	// Route is which of the routes matched, and Tool which of its entries for
	// tools was found, both counted from 0; -1 for none.
	Route, Tool int
	// Policies are the names of those that were evaluated: the route's or the one
	// that Envoy named, then the tool's. A policy that was chosen for a request
	// whose token is refused is not among them.
	Policies []string
}

// Reached returns what the decision was made with.
func (d *Decision) Reached() Reached {
	r := Reached{Route: -1, Tool: -1}
	if d.route != nil {
		r.Route = d.route.number
	}
	if d.judged {
		r.Policies = append(r.Policies, d.policy.name)
	}
	if d.called == nil || d.Reason == MCPUnreadable {
		return r
	}
	r.Tool = d.called.number
	if d.called.policy != nil {
		r.Policies = append(r.Policies, d.called.policy.name)
	}
	return r
}

package main

import "github.com/kinde-authz/kinde-authz/kinde"

// refreshes collects how the first attempt to fetch each issuer's keys ends.
type refreshes chan kinde.Refresh

// observe makes the verifier of that configuration tell of its attempts.
func observe(config *kinde.Config) refreshes {
	seen := make(refreshes, 16*len(config.Issuers))
	config.Observer.Refreshed = func(r kinde.Refresh) {
		select {
		case seen <- r:
		default: // nobody waits any more
		}
	}
	return seen
}

// first waits for the first attempt of each of so many issuers.
func (seen refreshes) first(issuers int) []kinde.Refresh {
	known := make(map[string]bool, issuers)
	var all []kinde.Refresh
	for len(all) < issuers {
		if r := <-seen; !known[r.Issuer] {
			known[r.Issuer] = true
			all = append(all, r)
		}
	}
	return all
}

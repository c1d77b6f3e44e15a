package probe

import "github.com/kinde-authz/kinde-authz/kinde"

// Refreshes collects how the first attempt to fetch each issuer's keys ends.
type Refreshes chan kinde.Refresh

// Observe makes the verifier of that configuration tell of its attempts.
func Observe(config *kinde.Config) Refreshes {
	seen := make(Refreshes, 16*len(config.Issuers))
	config.Observer.Refreshed = func(r kinde.Refresh) {
		select {
		case seen <- r:
		default: // nobody waits any more
		}
	}
	return seen
}

// First waits for the first attempt of each of so many issuers.
func (seen Refreshes) First(issuers int) []kinde.Refresh {
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

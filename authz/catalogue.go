package authz

import "github.com/kinde-authz/kinde-authz/kinde"

// catalogue numbers everything that some policy wants of a token. What a token
// has of it is found out once, when the token is verified; whether a policy's
// wants are met is then a matter of bits.
type catalogue struct {
	scopes, permissions, roles map[string]int
	flags                      map[flag]int
	size                       int
}

type flag struct {
	name  string
	value kinde.FlagValue
}

// want is something that a policy wants.
type want struct {
	name   string
	number int
}

func newCatalogue() *catalogue {
	return &catalogue{scopes: map[string]int{}, permissions: map[string]int{}, roles: map[string]int{}, flags: map[flag]int{}}
}

// number returns the number of an entry, a new one when it has none yet.
func number[K comparable](c *catalogue, entries map[K]int, entry K) int {
	n, known := entries[entry]
	if !known {
		n = c.size
		entries[entry] = n
		c.size++
	}
	return n
}

// wants numbers a list.
func (c *catalogue) wants(entries map[string]int, names []string) []want {
	var wants []want
	for _, name := range names {
		wants = append(wants, want{name, number(c, entries, name)})
	}
	return wants
}

// met returns what the token has of all that is wanted. A machine's flags are
// those of its environment, not of an organization: they never count.
func (c *catalogue) met(token *kinde.Token) bits {
	if c.size == 0 {
		return nil
	}
	met := make(bits, (c.size+7)/8)
	for _, list := range []struct {
		entries map[string]int
		has     []string
	}{{c.scopes, token.Scopes}, {c.permissions, token.Permissions}, {c.roles, token.Roles}} {
		for _, name := range list.has {
			if n, wanted := list.entries[name]; wanted {
				met.add(n)
			}
		}
	}
	if len(c.flags) == 0 || token.Actor != kinde.User {
		return met
	}
	for name, value := range token.Flags() {
		if n, wanted := c.flags[flag{name, value}]; wanted {
			met.add(n)
		}
	}
	return met
}

// bits are a set of numbers of a catalogue.
type bits []byte

func (b bits) add(n int) { b[n/8] |= 1 << (n % 8) }

// set is bits that do not change any more.
type set string

// has reports whether the number is in the set. One that the set has no room for
// is not.
func (s set) has(n int) bool { return n/8 < len(s) && s[n/8]&(1<<(n%8)) != 0 }

// lacks reports whether one of the wants is not in the set.
func (s set) lacks(wants []want) bool {
	for i := range wants {
		if !s.has(wants[i].number) {
			return true
		}
	}
	return false
}

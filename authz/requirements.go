package authz

import "github.com/kinde-authz/kinde-authz/kinde"

// requirements numbers everything that some policy requires of a token. Which of
// them a token meets is found out once, when it is verified; whether a policy's are
// among them is then a matter of bits.
type requirements struct {
	scopes, permissions, roles map[string]int
	flags                      map[flag]int
	size                       int
}

type flag struct {
	name  string
	value kinde.FlagValue
}

// requirement is something that a policy requires.
type requirement struct {
	name   string
	number int
}

func newRequirements() *requirements {
	return &requirements{scopes: map[string]int{}, permissions: map[string]int{}, roles: map[string]int{}, flags: map[flag]int{}}
}

// number returns the number of an entry, a new one when it has none yet.
func number[K comparable](r *requirements, entries map[K]int, entry K) int {
	n, known := entries[entry]
	if !known {
		n = r.size
		entries[entry] = n
		r.size++
	}
	return n
}

// all numbers a list.
func (r *requirements) all(entries map[string]int, names []string) []requirement {
	var list []requirement
	for _, name := range names {
		list = append(list, requirement{name, number(r, entries, name)})
	}
	return list
}

// met returns which requirements the token meets. A machine's flags are
// those of its environment, not of an organization: they never count.
func (r *requirements) met(token *kinde.Token) bits {
	if r.size == 0 {
		return nil
	}
	met := make(bits, (r.size+7)/8)
	for _, list := range []struct {
		entries map[string]int
		has     []string
	}{{r.scopes, token.Scopes}, {r.permissions, token.Permissions}, {r.roles, token.Roles}} {
		for _, name := range list.has {
			if n, required := list.entries[name]; required {
				met.add(n)
			}
		}
	}
	if len(r.flags) == 0 || token.Actor != kinde.User {
		return met
	}
	for name, value := range token.Flags() {
		if n, required := r.flags[flag{name, value}]; required {
			met.add(n)
		}
	}
	return met
}

// bits are a set of numbers.
type bits []byte

func (b bits) add(n int) { b[n/8] |= 1 << (n % 8) }

// set is bits that do not change any more.
type set string

// has reports whether the number is in the set. One that the set has no room for
// is not.
func (s set) has(n int) bool { return n/8 < len(s) && s[n/8]&(1<<(n%8)) != 0 }

// lacks reports whether one of the requirements is not in the set.
func (s set) lacks(required []requirement) bool {
	for i := range required {
		if !s.has(required[i].number) {
			return true
		}
	}
	return false
}

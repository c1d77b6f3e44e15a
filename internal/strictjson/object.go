package strictjson

import (
	"errors"
	"hash/maphash"
	"math/bits"
	"strconv"
	"strings"
)

// maxDepth bounds how deep arrays and objects nest, the outermost included.
const maxDepth = 64

// manyMembers is how many room is made for at once: an attacker, who chooses how
// many there seem to be, must not choose how much memory is taken.
const manyMembers = 1 << 10

// largeText is where a list of members that grows costs more than counting them
// first.
const largeText = 4 << 10

var errJSON = errors.New("not a JSON object with unique names")

// Member is one member of a JSON object: its name, unescaped, and the text of
// its value, already known to be valid.
type Member struct {
	Name  string
	Value Value
}

// Value is the text of one valid JSON value.
type Value string

// Parse returns the members of the object that text is, in their order.
// The whole text is checked against RFC 8259. Names are compared after
// unescaping, and a repeated one is an error, because readers differ in which
// of the two they believe (RFC 7515, section 4; RFC 7519, section 4). The text
// must be valid UTF-8 already; strings and names share its memory.
func Parse(text string, members []Member) ([]Member, error) {
	if len(text) > largeText {
		members = make([]Member, 0, min(strings.Count(text, ":"), manyMembers))
	}
	ok := Each(text, func(m Member) { members = append(members, m) })
	if !ok || repeats(members) {
		return nil, errJSON
	}
	return members, nil
}

// Each calls f for each member of the object that text is, in their order,
// and reports whether all of the text is valid. It does not look for names that
// are repeated.
func Each(text string, f func(Member)) bool {
	s := scanner{text: text}
	s.spaces()
	if !s.take('{') {
		return false
	}
	s.spaces()
	if !s.take('}') {
		for more := true; more; more = s.take(',') {
			m, ok := s.member()
			if !ok {
				return false
			}
			f(m)
		}
		if !s.take('}') {
			return false
		}
	}
	s.spaces()
	return s.at == len(text)
}

// hashSeed is new in each process, so that nobody can choose names that collide.
var hashSeed = maphash.MakeSeed()

// repeats reports whether two members share a name.
func repeats(members []Member) bool {
	const few = 32 // where comparing each with each is still the cheaper way
	if len(members) > few {
		return repeatsMany(members)
	}
	for i, m := range members {
		for _, other := range members[:i] {
			if m.Name == other.Name {
				return true
			}
		}
	}
	return false
}

// repeatsMany is repeats with a hash table that holds numbers alone: an attacker
// chooses how many members there are, and a map would cost more than the
// signature.
func repeatsMany(members []Member) bool {
	slots := make([]uint32, 1<<bits.Len(uint(2*len(members)))) // members, counted from 1
	mask := uint64(len(slots) - 1)                             //nolint:gosec // there is one slot at least
	for i, m := range members {
		at := maphash.String(hashSeed, m.Name) & mask
		for ; slots[at] != 0; at = (at + 1) & mask {
			if members[slots[at]-1].Name == m.Name {
				return true
			}
		}
		slots[at] = uint32(i + 1)
	}
	return false
}

// Text returns the string that the value is. A lone surrogate has no UTF-8
// form, so a string with one is no string here.
func (v Value) Text() (string, bool) {
	if len(v) < 2 || v[0] != '"' {
		return "", false
	}
	return unescape(string(v[1 : len(v)-1]))
}

// Texts returns the strings of the list that the value is.
func (v Value) Texts() ([]string, bool) {
	var list []string
	ok := v.Items(func(item Value) bool {
		s, ok := item.Text()
		list = append(list, s)
		return ok
	})
	return list, ok
}

// Items calls f for every item of the list that the value is, until f returns
// false. It reports whether the value is a list and f always returned true.
func (v Value) Items(f func(Value) bool) bool {
	s := scanner{text: string(v)}
	if !s.take('[') {
		return false
	}
	s.spaces()
	if s.take(']') {
		return true
	}
	for more := true; more; more = s.take(',') {
		item, ok := s.value(0)
		if !ok || !f(item) {
			return false
		}
	}
	return s.take(']')
}

// IsObject reports whether the value is an object.
func (v Value) IsObject() bool { return v != "" && v[0] == '{' }

// Number returns the number that the value is. Values beyond what a float64
// can hold are no numbers here.
func (v Value) Number() (float64, bool) {
	if v == "" || v[0] != '-' && (v[0] < '0' || v[0] > '9') {
		return 0, false
	}
	n, err := strconv.ParseFloat(string(v), 64)
	return n, err == nil
}

// Scalar returns the text of a string, a number or a boolean.
func (v Value) Scalar() (string, bool) {
	if _, ok := v.Number(); ok || v == "true" || v == "false" {
		return string(v), true
	}
	return v.Text()
}

// Find returns the value of a member.
func Find(members []Member, name string) (Value, bool) {
	for _, m := range members {
		if m.Name == name {
			return m.Value, true
		}
	}
	return "", false
}

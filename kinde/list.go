package kinde

import (
	"slices"

	"github.com/kinde-authz/kinde-authz/internal/strictjson"
)

// roleKey reads a role as Kinde sends it, an object with a key, or as a
// workflow can turn it, the key alone.
func roleKey(v strictjson.Value) (string, bool) {
	if !v.IsObject() {
		return v.Text()
	}
	var room [8]strictjson.Member
	members, err := strictjson.Parse(string(v), room[:0])
	if err != nil {
		return "", false
	}
	key, _ := strictjson.Find(members, "key")
	return key.Text()
}

// list reads an optional list, each item with item, without duplicates and
// empty strings.
func list(v strictjson.Value, item func(strictjson.Value) (string, bool)) ([]string, bool) {
	if v == "" {
		return nil, true
	}
	items := make([]string, 0, usualItems)
	ok := v.Items(func(v strictjson.Value) bool {
		s, ok := item(v)
		items = append(items, s)
		return ok
	})
	return unique(items), ok
}

// usualItems is how many items most lists of a token have at most.
const usualItems = 8

// unique drops empty strings and all but the first of equal ones, in place.
func unique(items []string) []string {
	const few = 32 // where comparing each with each is still the cheaper way
	var seen map[string]struct{}
	if len(items) > few {
		seen = make(map[string]struct{}, len(items))
	}
	kept := items[:0]
	for _, s := range items {
		known := s == ""
		if seen == nil {
			known = known || slices.Contains(kept, s)
		} else {
			_, repeated := seen[s]
			known = known || repeated
			seen[s] = struct{}{}
		}
		if !known {
			kept = append(kept, s)
		}
	}
	return kept
}

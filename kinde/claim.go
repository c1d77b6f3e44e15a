package kinde

import (
	"strings"

	"github.com/kinde-authz/kinde-authz/internal/strictjson"
)

// Claim returns what a claim of the token says, for one that no field holds:
// a string, number or boolean as one text, a list of these as one text each,
// without duplicates and empty ones. isList tells the two apart. Where the
// claim is missing, empty, null or anything else there are no texts.
//
// The name may lead into objects, a dot before each member. A property of
// Kinde's, an object like {"v": "eu"}, stands for its value. A claim whose own
// name has dots is found by its whole name.
//
// https://docs.kinde.com/build/tokens/about-access-tokens/
func (t *Token) Claim(name string) (texts []string, isList bool) {
	v := find(strictjson.Value(t.payload), name)
	if v.IsObject() {
		v = find(v, "v")
	}
	if text, ok := v.Scalar(); ok {
		return unique([]string{text}), false
	}
	texts, ok := list(v, strictjson.Value.Scalar)
	if !ok || len(texts) == 0 {
		return nil, false
	}
	return texts, true
}

// find follows the name into the object, the longest member name first.
func find(object strictjson.Value, name string) strictjson.Value {
	var room [32]strictjson.Member
	members, err := strictjson.Parse(string(object), room[:0])
	if err != nil {
		return ""
	}
	for end := len(name); end > 0; end = strings.LastIndexByte(name[:end], '.') {
		v, ok := strictjson.Find(members, name[:end])
		switch {
		case !ok:
		case end == len(name):
			return v
		case v.IsObject():
			if found := find(v, name[end+1:]); found != "" {
				return found
			}
		}
	}
	return ""
}

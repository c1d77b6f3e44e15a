package kinde

import (
	"iter"
	"strconv"

	"github.com/kinde-authz/kinde-authz/internal/strictjson"
)

// FlagValue is the value of a feature flag, of one of Kinde's types boolean,
// string and integer. Two are equal (==) when type and value are. The zero
// value is no flag's.
//
// https://docs.kinde.com/build/tokens/about-access-tokens/
type FlagValue struct {
	kind   byte
	on     bool
	text   string
	number int64
}

// BoolFlag is the value of a boolean flag.
func BoolFlag(on bool) FlagValue { return FlagValue{kind: 'b', on: on} }

// StringFlag is the value of a string flag.
func StringFlag(text string) FlagValue { return FlagValue{kind: 's', text: text} }

// IntFlag is the value of an integer flag.
func IntFlag(number int64) FlagValue { return FlagValue{kind: 'i', number: number} }

// Flag returns the value of one of the token's feature flags. A flag that is
// not there has none, nor has one whose type (t) and value (v) do not fit
// together.
func (t *Token) Flag(name string) (FlagValue, bool) {
	for flag, value := range t.Flags() {
		if flag == name {
			return value, true
		}
	}
	return FlagValue{}, false
}

// Flags returns the token's feature flags that have a value, by name.
func (t *Token) Flags() iter.Seq2[string, FlagValue] {
	return func(yield func(string, FlagValue) bool) {
		var room [32]strictjson.Member
		flags, err := strictjson.Parse(string(t.flags), room[:0])
		if err != nil {
			return
		}
		for _, flag := range flags {
			if value, ok := flagOf(flag.Value); ok && !yield(flag.Name, value) {
				return
			}
		}
	}
}

// flagOf returns the value of the feature flag that a JSON value is.
func flagOf(v strictjson.Value) (FlagValue, bool) {
	var room [8]strictjson.Member
	parts, err := strictjson.Parse(string(v), room[:0])
	if err != nil {
		return FlagValue{}, false
	}
	kind, _ := strictjson.Find(parts, "t")
	content, _ := strictjson.Find(parts, "v")
	return flagValue(kind, content)
}

func flagValue(kind, v strictjson.Value) (FlagValue, bool) {
	switch {
	case kind == `"b"` && (v == "true" || v == "false"):
		return BoolFlag(v == "true"), true
	case kind == `"s"`:
		text, ok := v.Text()
		return StringFlag(text), ok
	case kind == `"i"`:
		number, err := strconv.ParseInt(string(v), 10, 64)
		return IntFlag(number), err == nil
	default:
		return FlagValue{}, false
	}
}

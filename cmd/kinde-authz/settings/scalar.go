package settings

import (
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/kinde-authz/kinde-authz/internal/strictyaml"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// refuse is an error about a part of the file.
func refuse(node *yaml.Node, format string, args ...any) error {
	return strictyaml.Refuse(node, format, args...)
}

type text = strictyaml.Text

// values returns the strings of a list, as a type of string; nil stays nil.
func values[T ~string](list []text) []T {
	if list == nil {
		return nil
	}
	out := make([]T, len(list))
	for i, t := range list {
		out[i] = T(t)
	}
	return out
}

// truth is a setting that is on or off.
type truth bool

// UnmarshalYAML refuses strings such as yes.
func (t *truth) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.ScalarNode || node.Tag != "!!bool" {
		return refuse(node, "want true or false")
	}
	*t = truth(strings.EqualFold(node.Value, "true"))
	return nil
}

// duration is a setting like 30s or 1h30m, not negative.
type duration time.Duration

// UnmarshalYAML refuses numbers without a unit.
func (d *duration) UnmarshalYAML(node *yaml.Node) error {
	value, err := time.ParseDuration(node.Value)
	if err != nil || value < 0 || node.Tag != "!!str" {
		return refuse(node, "%q: want a duration with a unit that is not negative, like 30s, 15m or 24h", node.Value)
	}
	*d = duration(value)
	return nil
}

// or returns the duration, or another one when it is not set.
func (d *duration) or(otherwise time.Duration) time.Duration {
	if d == nil {
		return otherwise
	}
	return time.Duration(*d)
}

// period is a duration above 0s.
type period time.Duration

// UnmarshalYAML refuses 0s.
func (p *period) UnmarshalYAML(node *yaml.Node) error {
	if err := (*duration)(p).UnmarshalYAML(node); err != nil {
		return err
	}
	if *p == 0 {
		return refuse(node, "%s: want a duration above 0s", node.Value)
	}
	return nil
}

// flagValue is the value a feature flag must have.
type flagValue struct{ value kinde.FlagValue }

// UnmarshalYAML takes the three types that flags have.
func (f *flagValue) UnmarshalYAML(node *yaml.Node) error {
	var on truth
	var number int64
	switch {
	case node.Tag == "!!str" && node.Kind == yaml.ScalarNode:
		f.value = kinde.StringFlag(node.Value)
	case on.UnmarshalYAML(node) == nil:
		f.value = kinde.BoolFlag(bool(on))
	case node.Tag == "!!int" && node.Decode(&number) == nil:
		f.value = kinde.IntFlag(number)
	default:
		return refuse(node, "want true, false, a string or an integer, as the flag is in Kinde")
	}
	return nil
}

// count is a setting that counts something.
type count int64

// maxCount is more than fits into any machine's memory.
const maxCount = 100_000_000

// UnmarshalYAML refuses fractions and negative numbers.
func (c *count) UnmarshalYAML(node *yaml.Node) error {
	var number int64
	if node.Tag != "!!int" || node.Decode(&number) != nil || number < 0 || number > maxCount {
		return refuse(node, "want a whole number from 0 to %d", maxCount)
	}
	*c = count(number)
	return nil
}

// or returns the number, or another one when it is not set.
func (c *count) or(otherwise int) int {
	if c == nil {
		return otherwise
	}
	return int(*c)
}

// bound is a setting that limits something; 0 is one that is not set.
type bound int64

// The least and the most that a bound may be: fewer would let nobody in.
const (
	minBound = 8
	maxBound = 1_000_000
)

// UnmarshalYAML refuses bounds that are none, and those that leave no room.
func (b *bound) UnmarshalYAML(node *yaml.Node) error {
	var number int64
	if node.Tag != "!!int" || node.Decode(&number) != nil || number < minBound || number > maxBound {
		return refuse(node, "want a whole number from %d to %d", minBound, maxBound)
	}
	*b = bound(number)
	return nil
}

// share is a setting from 0 to 1.
type share float64

// UnmarshalYAML refuses all other numbers.
func (s *share) UnmarshalYAML(node *yaml.Node) error {
	var number float64
	isNumber := node.Tag == "!!float" || node.Tag == "!!int"
	if !isNumber || node.Decode(&number) != nil || !(number >= 0 && number <= 1) {
		return refuse(node, "want a number from 0 to 1")
	}
	*s = share(number)
	return nil
}

// or returns the share, or another one when it is not set.
func (s *share) or(otherwise float64) float64 {
	if s == nil {
		return otherwise
	}
	return float64(*s)
}

package main

import (
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// located is a setting that remembers where it stands.
type located[T any] struct {
	value T
	node  *yaml.Node // nil when the setting is not set
}

// UnmarshalYAML reads the setting itself.
func (l *located[T]) UnmarshalYAML(node *yaml.Node) error {
	l.node = node
	return node.Decode(&l.value)
}

func (l *located[T]) inside() reflect.Type { return reflect.TypeFor[T]() }

// text is a setting that is a string and not empty. It remembers where it stands.
type text struct {
	value string
	node  *yaml.Node
}

// UnmarshalYAML refuses numbers and booleans: YAML would turn an organization
// called 0123 into another one.
func (t *text) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.ScalarNode || node.Tag != "!!str" {
		return refuse(node, "want a string; put a number, a date, true or false in quotes")
	}
	if strings.TrimSpace(node.Value) != node.Value || node.Value == "" {
		return refuse(node, "want a string that is not empty and does not start or end with a space")
	}
	t.value, t.node = node.Value, node
	return nil
}

// values returns the strings of a list; nil stays nil.
func values(list []text) []string {
	if list == nil {
		return nil
	}
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = t.value
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
type duration struct {
	value time.Duration
	node  *yaml.Node // nil when the setting is not set
}

// UnmarshalYAML refuses numbers without a unit.
func (d *duration) UnmarshalYAML(node *yaml.Node) error {
	value, err := time.ParseDuration(node.Value)
	if err != nil || value < 0 || node.Tag != "!!str" {
		return refuse(node, "%q: want a duration with a unit that is not negative, like 30s, 15m or 24h", node.Value)
	}
	d.value, d.node = value, node
	return nil
}

// or returns the duration, or another one when it is not set.
func (d duration) or(otherwise time.Duration) time.Duration {
	if d.node == nil {
		return otherwise
	}
	return d.value
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

package main

import (
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// text is a setting that is a string which is not blank. It remembers where it
// stands.
type text struct {
	value string
	node  ast.Node
}

// UnmarshalYAML refuses numbers and booleans: YAML would turn an organization
// called 0123 into another one.
func (t *text) UnmarshalYAML(node ast.Node) error {
	n, ok := node.(*ast.StringNode)
	if !ok {
		return refuse(node, "want a string; put it in quotes if it looks like something else")
	}
	if strings.TrimSpace(n.Value) != n.Value || n.Value == "" {
		return refuse(node, "want a string that is not empty and has no blanks around it")
	}
	t.value, t.node = n.Value, node
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

// duration is a setting like 30s or 1h30m, not negative.
type duration struct {
	value time.Duration
	node  ast.Node // nil when the setting is not there
}

// UnmarshalYAML refuses numbers without a unit.
func (d *duration) UnmarshalYAML(node ast.Node) error {
	n, ok := node.(*ast.StringNode)
	if !ok {
		return refuse(node, "want a duration with a unit, like 30s, 15m or 24h")
	}
	value, err := time.ParseDuration(n.Value)
	if err != nil || value < 0 {
		return refuse(node, "%q: want a duration with a unit, like 30s, 15m or 24h, that is not negative", n.Value)
	}
	d.value, d.node = value, node
	return nil
}

// or returns the duration, or another one when the setting is not there.
func (d duration) or(otherwise time.Duration) time.Duration {
	if d.node == nil {
		return otherwise
	}
	return d.value
}

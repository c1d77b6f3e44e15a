package strictyaml

import (
	"strings"

	"go.yaml.in/yaml/v4"
)

// String is a setting that is a string.
type String string

// UnmarshalYAML refuses numbers and booleans: YAML would turn an organization
// called 0123 into another one.
func (s *String) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.ScalarNode || node.Tag != "!!str" {
		return Refuse(node, "want a string; put a number, a date, true or false in quotes")
	}
	*s = String(node.Value)
	return nil
}

// Text is a setting that is a string and not empty.
type Text string

// UnmarshalYAML refuses what [String] does, and what nobody could see.
func (t *Text) UnmarshalYAML(node *yaml.Node) error {
	if err := (*String)(t).UnmarshalYAML(node); err != nil {
		return err
	}
	if strings.TrimSpace(node.Value) != node.Value || node.Value == "" {
		return Refuse(node, "want a string that is not empty and does not start or end with a space")
	}
	return nil
}

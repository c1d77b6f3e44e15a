package policytest

import (
	"errors"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
	"golang.org/x/net/http/httpguts"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/internal/strictyaml"
	"github.com/kinde-authz/kinde-authz/internal/suggest"
)

type (
	text  = strictyaml.Text
	words = strictyaml.String
)

// offset is a duration that may be negative.
type offset time.Duration

// UnmarshalYAML refuses numbers without a unit.
func (o *offset) UnmarshalYAML(node *yaml.Node) error {
	value, err := time.ParseDuration(node.Value)
	if err != nil || node.Tag != "!!str" {
		return strictyaml.Refuse(node, "%q: want a duration with a unit, like +1h, 90s or -5m", node.Value)
	}
	*o = offset(value)
	return nil
}

// status is an HTTP status.
type status int

// UnmarshalYAML refuses what is none.
func (s *status) UnmarshalYAML(node *yaml.Node) error {
	var number int
	if node.Tag != "!!int" || node.Decode(&number) != nil || number < 200 || number > 599 {
		return strictyaml.Refuse(node, "want an HTTP status from 200 to 599")
	}
	*s = status(number)
	return nil
}

// effect is a decision in a word.
type effect string

var effects = []string{"allow", "deny"}

// UnmarshalYAML refuses other words.
func (e *effect) UnmarshalYAML(node *yaml.Node) error {
	return oneOf((*string)(e), node, effects)
}

// reason is why something was decided.
type reason string

// UnmarshalYAML refuses words that are no reasons.
func (r *reason) UnmarshalYAML(node *yaml.Node) error {
	return oneOf((*string)(r), node, reasons())
}

func reasons() (words []string) {
	for _, r := range authz.Reasons() {
		words = append(words, string(r))
	}
	return words
}

func oneOf(into *string, node *yaml.Node, known []string) error {
	for _, word := range known {
		if node.Tag == "!!str" && node.Value == word {
			*into = word
			return nil
		}
	}
	return strictyaml.Refuse(node, "%q: %s", node.Value, suggest.Name(node.Value, known))
}

// checkNames refuses names of headers that are none, and those of the token and the
// assertion where there is an error for them. The node is a mapping, a list or nil.
func checkNames(node *yaml.Node, token, assertion error) error {
	if node == nil {
		return nil
	}
	step, seen := 1, map[string]bool{}
	if node.Kind == yaml.MappingNode {
		step = 2
	}
	for i := 0; i < len(node.Content); i += step {
		name := node.Content[i]
		lower := strings.ToLower(name.Value)
		var err error
		switch {
		case lower == "authorization":
			err = token
		case lower == "x-kinde-assertion":
			err = assertion
		case seen[lower]:
			err = errors.New("it is there twice: the case of a header's name does not count")
		case !httpguts.ValidHeaderFieldName(lower):
			err = errors.New("want the name of a header, like x-kinde-user-id")
		}
		if err != nil {
			return strictyaml.Refuse(name, "%s: %v", name.Value, err)
		}
		seen[lower] = true
	}
	return nil
}

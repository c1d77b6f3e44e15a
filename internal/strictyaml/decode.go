// Package strictyaml reads YAML files that people write, and refuses what would not
// mean what it seems to.
package strictyaml

import (
	"bytes"
	"errors"
	"io"
	"reflect"

	"go.yaml.in/yaml/v4"
)

// Decode reads a file of one document into a struct, whose yaml tags name the
// settings, and returns the tree; nil for a file that says nothing. Errors name the
// line and the column and show them.
func Decode(content []byte, into any) (*yaml.Node, error) {
	var tree yaml.Node
	if err := checkText(content); err != nil {
		return nil, Show(content, err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	switch err := decoder.Decode(&tree); {
	case errors.Is(err, io.EOF):
		return nil, nil //nolint:nilnil // empty, or only comments
	case err != nil:
		return nil, Show(content, syntaxFault(content, err))
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("the file has more than one YAML document: want one")
	}
	if err := checkTree(tree.Content[0], reflect.TypeOf(into).Elem(), "the file"); err != nil {
		return nil, Show(content, err)
	}
	return tree.Content[0], tree.Decode(into) // checkTree has refused what could fail
}

package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/kinde-authz/kinde-authz/internal/suggest"
)

// fault is an error at a place of the file.
type fault struct {
	line, column int
	message      string
	excerpt      string
}

// Error gives the place, the message and, once known, the lines around it.
func (f *fault) Error() string {
	return fmt.Sprintf("[%d:%d] %s%s", f.line, f.column, f.message, f.excerpt)
}

// Refuse returns an error about a part of the file, with its place.
func Refuse(node *yaml.Node, format string, args ...any) error {
	return &fault{line: node.Line, column: node.Column, message: fmt.Sprintf(format, args...)}
}

// excerptWidth is how much of a line is shown, in characters.
const excerptWidth = 120

// Show adds the lines around a fault of the file to an error of [Refuse]. Any other
// stays as it is.
func Show(content []byte, err error) error {
	var at *fault
	if !errors.As(err, &at) || at.excerpt != "" {
		return err
	}
	from := 0
	if at.column > excerptWidth {
		from = at.column - 1 - excerptWidth/2
	}
	var out strings.Builder
	for i, line := range bytes.Split(content, []byte("\n")) {
		number, mark := i+1, "  "
		if number < at.line-2 || number > at.line {
			continue
		}
		if number == at.line {
			mark = "> "
		}
		shown := []rune(printable(line))
		shown = shown[min(from, len(shown)):min(from+excerptWidth, len(shown))]
		fmt.Fprintf(&out, "\n%s%4d | %s", mark, number, string(shown))
	}
	at.excerpt = out.String() + "\n" + strings.Repeat(" ", len("> 1234 | ")+at.column-1-from) + "^"
	return err
}

// printable returns a line without what a terminal would obey.
func printable(line []byte) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(string(line), string(utf8.RuneError)))
}

// Leaf is a setting that reads itself, and refuses what it cannot read.
type Leaf interface{ UnmarshalYAML(node *yaml.Node) error }

// Empty is a mapping that says something without an entry.
type Empty interface{ MayBeEmpty() }

// Null is a setting for which null says something.
type Null interface{ MayBeNull() }

// checkTree refuses, in a node that becomes a value of that type, whatever would
// not mean what it seems to: unknown settings, settings that are set twice or
// empty, and YAML's anchors, aliases and tags.
func checkTree(n *yaml.Node, t reflect.Type, name string) error {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	value := reflect.New(t).Interface()
	if _, ok := value.(Null); ok && n.Tag == "!!null" && n.Anchor == "" {
		return nil
	}
	if err := checkPlain(n, name); err != nil {
		return err
	}
	if l, ok := value.(Leaf); ok {
		return named(l.UnmarshalYAML(n), name)
	}
	if t.Kind() == reflect.Slice {
		return checkList(n, t.Elem(), name)
	}
	return checkMapping(n, t, name)
}

// named puts the setting's name before what is wrong with it.
func named(err error, name string) error {
	var at *fault
	if errors.As(err, &at) {
		at.message = name + ": " + at.message
	}
	return err
}

func checkPlain(n *yaml.Node, name string) error {
	switch {
	case n.Kind == yaml.AliasNode, n.Anchor != "", n.Style&yaml.TaggedStyle != 0:
		return Refuse(n, "%s: anchors, aliases and tags are not supported", name)
	case n.Tag == "!!null":
		return Refuse(n, "%s: the setting is empty: give it a value or remove it", name)
	default:
		return nil
	}
}

// maxEntries bounds mappings, and lists of them: some checks compare each entry with
// each other.
const maxEntries = 10_000

func checkList(n *yaml.Node, t reflect.Type, name string) error {
	if n.Kind != yaml.SequenceNode {
		return Refuse(n, "%s: want a list, like [a, b]", name)
	}
	if t.Kind() == reflect.Struct && len(n.Content) > maxEntries {
		return Refuse(n, "%s: the list has %d items: want at most %d", name, len(n.Content), maxEntries)
	}
	if len(n.Content) == 0 {
		return Refuse(n, "%s: the list is empty: add an item or remove the setting", name)
	}
	for _, item := range n.Content {
		if t.Kind() == reflect.Struct && item.Kind == yaml.ScalarNode {
			return Refuse(item, "%s: each item must be a mapping, like {%s: %s}", name, namesIn(t)[0], item.Value)
		}
		if err := checkTree(item, t, name); err != nil {
			return err
		}
	}
	return nil
}

func checkMapping(n *yaml.Node, t reflect.Type, name string) error {
	if n.Kind != yaml.MappingNode {
		return Refuse(n, "%s: want a mapping, like {name: value}", name)
	}
	if len(n.Content) > 2*maxEntries {
		return Refuse(n, "%s: the mapping has %d entries: want at most %d", name, len(n.Content)/2, maxEntries)
	}
	if _, ok := reflect.New(t).Interface().(Empty); len(n.Content) == 0 && !ok {
		return Refuse(n, "%s: the setting is empty: give it a value or remove it", name)
	}
	seen := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if err := checkPlain(key, name); err != nil {
			return err
		}
		if key.Kind != yaml.ScalarNode || key.Tag != "!!str" || key.Value == "" {
			return Refuse(key, "%s: want a name; put a name that is a number, a date, true, false or null in quotes", name)
		}
		if first := seen[key.Value]; first != nil {
			return Refuse(key, "%s is set twice (first on line %d)", key.Value, first.Line)
		}
		seen[key.Value] = key
		inside, known := typeOf(t, key.Value)
		if !known {
			return Refuse(key, "%s: unknown setting: %s", key.Value, suggest.Name(key.Value, namesIn(t)))
		}
		if err := checkTree(n.Content[i+1], inside, key.Value); err != nil {
			return err
		}
	}
	return nil
}

// Entry returns the nodes of a setting's name and value in a mapping; nil when it
// is not set.
func Entry(mapping *yaml.Node, name string) (key, value *yaml.Node) {
	for pair := range slices.Chunk(mapping.Content, 2) {
		if pair[0].Value == name {
			return pair[0], pair[1]
		}
	}
	return nil, nil
}

// typeOf returns the type of a setting among those of t.
func typeOf(t reflect.Type, name string) (reflect.Type, bool) {
	if t.Kind() == reflect.Map {
		return t.Elem(), true
	}
	for field := range t.Fields() {
		if field.Tag.Get("yaml") == name {
			return field.Type, true
		}
	}
	return nil, false
}

func namesIn(t reflect.Type) (names []string) {
	for field := range t.Fields() {
		if name := field.Tag.Get("yaml"); name != "" {
			names = append(names, name)
		}
	}
	return names
}

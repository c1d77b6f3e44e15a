package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// checkText refuses what no settings file holds, with its place: the YAML
// library has none for it.
func checkText(content []byte) error {
	for number, line := range bytes.Split(content, []byte("\n")) {
		for column := 1; len(line) > 0; column++ {
			r, size := utf8.DecodeRune(line)
			line = line[size:]
			switch {
			case r == utf8.RuneError && size == 1:
				return &fault{line: number + 1, column: column, message: "the file is not UTF-8 text: save it as UTF-8"}
			case unicode.IsControl(r) && r != '\t' && r != '\r' && r != '\u0085':
				message := fmt.Sprintf("control character %U: remove it", r)
				return &fault{line: number + 1, column: column, message: message}
			}
		}
	}
	return nil
}

// syntaxFault puts an error of the YAML library into words that say what to
// change.
func syntaxFault(content []byte, err error) error {
	var at *yaml.LoadError
	if !errors.As(err, &at) || at.Mark.Line == 0 {
		return fmt.Errorf("not valid YAML: %w", err)
	}
	return &fault{line: at.Mark.Line, column: at.Mark.Column, message: explainSyntax(content, at)}
}

const inQuotes = "put a value that holds any of {}[],:#*&!@ in quotes"

func explainSyntax(content []byte, at *yaml.LoadError) string {
	start := at.ContextMark.Line
	switch message := at.Message; {
	case isTab(content, at):
		return fmt.Sprintf("line %d is indented with a tab: use spaces", at.Mark.Line)
	case message == "found character that cannot start any token":
		return fmt.Sprintf("a value cannot start with %q: put it in quotes", character(content, at.Mark.Line, at.Mark.Column))
	case message == "did not find expected alphabetic or numeric character" && start > 0:
		return fmt.Sprintf("a value cannot start with %q: put it in quotes", character(content, start, at.ContextMark.Column))
	case strings.HasPrefix(message, "unknown anchor"):
		return `a value cannot start with "*": put it in quotes`
	case message == "mapping values are not allowed in this context":
		return `unexpected ":": check the indentation, and ` + inQuotes
	case message == "did not find expected ',' or ']'":
		return fmt.Sprintf(`want "," or "]" here, for the list that starts on line %d: close it, and %s`, start, inQuotes)
	case message == "did not find expected ',' or '}'":
		return fmt.Sprintf(`want "," or "}" here, for the mapping that starts on line %d: close it, and %s`, start, inQuotes)
	case message == "found unexpected end of stream":
		return fmt.Sprintf("the quote that opens on line %d is not closed", start)
	case message == "could not find expected ':'":
		return fmt.Sprintf("line %d has a name without a colon: want name: value", start)
	case message == "did not find expected key", message == "did not find expected '-' indicator":
		return "unexpected text: indent what belongs together by the same number of spaces, and " + inQuotes
	case message == "did not find expected node content":
		return `a value or a closing bracket is missing: close each "[" and "{", and ` + inQuotes
	case message == "block sequence entries are not allowed in this context":
		return `a list item cannot start here: put each "- " on a line of its own`
	case message == "found unknown escape character":
		return `unknown escape in double quotes: write \\ for a backslash, or use single quotes`
	default:
		return "not valid YAML: " + message
	}
}

// isTab reports whether a tab is at fault.
func isTab(content []byte, at *yaml.LoadError) bool {
	return strings.Contains(at.Message, "tab character") ||
		at.Message == "found character that cannot start any token" && character(content, at.Mark.Line, at.Mark.Column) == '\t'
}

// character returns the character at a place of the file, both counted from 1.
func character(content []byte, line, column int) rune {
	lines := strings.Split(string(content), "\n")
	if line > len(lines) {
		return utf8.RuneError
	}
	runes := []rune(lines[line-1])
	if column > len(runes) {
		return utf8.RuneError
	}
	return runes[column-1]
}

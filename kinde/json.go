package kinde

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep arrays and objects nest, the outermost included.
const maxDepth = 64

var errJSON = errors.New("not a JSON object with unique names")

// member is one member of a JSON object: its name, unescaped, and the text of
// its value, already known to be valid.
type member struct {
	name  string
	value value
}

// value is the text of one valid JSON value.
type value string

// parseObject returns the members of the object that text is, in their order.
// The whole text is checked against RFC 8259. Names are compared after
// unescaping, and a repeated one is an error, because readers differ in which
// of the two they believe (RFC 7515, section 4; RFC 7519, section 4). The text
// must be valid UTF-8 already; strings and names share its memory.
func parseObject(text string, members []member) ([]member, error) {
	s := scanner{text: text}
	s.blanks()
	if !s.take('{') {
		return nil, errJSON
	}
	s.blanks()
	if !s.take('}') {
		for more := true; more; more = s.take(',') {
			m, ok := s.member()
			if !ok {
				return nil, errJSON
			}
			members = append(members, m)
		}
		if !s.take('}') {
			return nil, errJSON
		}
	}
	s.blanks()
	if s.at != len(text) || repeats(members) {
		return nil, errJSON
	}
	return members, nil
}

// repeats reports whether two members share a name.
func repeats(members []member) bool {
	const few = 48 // where comparing each with each is still the cheaper way
	if len(members) > few {
		seen := make(map[string]struct{}, len(members))
		for _, m := range members {
			seen[m.name] = struct{}{}
		}
		return len(seen) != len(members)
	}
	for i, m := range members {
		for _, other := range members[:i] {
			if m.name == other.name {
				return true
			}
		}
	}
	return false
}

// str returns the string that the value is. A lone surrogate has no UTF-8
// form, so a string with one is no string here.
func (v value) str() (string, bool) {
	if len(v) < 2 || v[0] != '"' {
		return "", false
	}
	return unescape(string(v[1 : len(v)-1]))
}

// strs returns the strings of the list that the value is.
func (v value) strs() ([]string, bool) {
	var list []string
	ok := v.each(func(item value) bool {
		s, ok := item.str()
		list = append(list, s)
		return ok
	})
	return list, ok
}

// each calls f for every item of the list that the value is, until f returns
// false. It reports whether the value is a list and f always returned true.
func (v value) each(f func(value) bool) bool {
	s := scanner{text: string(v)}
	if !s.take('[') {
		return false
	}
	s.blanks()
	if s.take(']') {
		return true
	}
	for more := true; more; more = s.take(',') {
		item, ok := s.value(0)
		if !ok || !f(item) {
			return false
		}
	}
	return s.take(']')
}

// isObject reports whether the value is an object.
func (v value) isObject() bool { return v != "" && v[0] == '{' }

// number returns the number that the value is. Values beyond what a float64
// can hold are no numbers here.
func (v value) number() (float64, bool) {
	if v == "" || v[0] != '-' && (v[0] < '0' || v[0] > '9') {
		return 0, false
	}
	n, err := strconv.ParseFloat(string(v), 64)
	return n, err == nil
}

// scanner walks over a JSON text (RFC 8259).
type scanner struct {
	text string
	at   int
}

func (s *scanner) take(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) blanks() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// member reads a name, a colon and a value, with the blanks around them.
func (s *scanner) member() (member, bool) {
	s.blanks()
	start := s.at
	if !s.str() {
		return member{}, false
	}
	name, ok := value(s.text[start:s.at]).str()
	s.blanks()
	if !ok || !s.take(':') {
		return member{}, false
	}
	v, ok := s.value(1)
	return member{name, v}, ok
}

// value reads one value that stands depth levels deep, with the blanks around
// it.
func (s *scanner) value(depth int) (value, bool) {
	s.blanks()
	start := s.at
	ok := s.skip(depth)
	v := value(s.text[start:s.at])
	s.blanks()
	return v, ok
}

func (s *scanner) skip(depth int) bool {
	if s.at == len(s.text) || depth >= maxDepth {
		return false
	}
	switch c := s.text[s.at]; c {
	case '"':
		return s.str()
	case '{', '[':
		return s.nested(depth, c)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		return s.number()
	}
}

// nested reads an array or an object whose members nobody asked for yet.
func (s *scanner) nested(depth int, opening byte) bool {
	closing := opening + 2 // in ASCII ']' follows '[' and '}' follows '{' at this distance
	s.at++
	s.blanks()
	if s.take(closing) {
		return true
	}
	for more := true; more; more = s.take(',') {
		if opening == '{' {
			s.blanks()
			if !s.str() {
				return false
			}
			s.blanks()
			if !s.take(':') {
				return false
			}
		}
		if _, ok := s.value(depth + 1); !ok {
			return false
		}
	}
	return s.take(closing)
}

func (s *scanner) word(w string) bool {
	if !strings.HasPrefix(s.text[s.at:], w) {
		return false
	}
	s.at += len(w)
	return true
}

// number reads -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
func (s *scanner) number() bool {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return false
	}
	if s.take('.') && !s.digits() {
		return false
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at > start
}

// str reads a string and checks its escapes.
func (s *scanner) str() bool {
	if !s.take('"') {
		return false
	}
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return true
		case c < ' ':
			return false
		case c == '\\':
			if !s.escape() {
				return false
			}
		default:
			s.at++
		}
	}
	return false
}

func (s *scanner) escape() bool {
	if s.at+1 >= len(s.text) {
		return false
	}
	switch s.text[s.at+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at += 2
		return true
	case 'u':
		if _, ok := hex4(s.text[s.at+2:]); !ok {
			return false
		}
		s.at += 6
		return true
	}
	return false
}

func hex4(text string) (rune, bool) {
	if len(text) < 4 {
		return 0, false
	}
	var r rune
	for i := range 4 {
		c := text[i]
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// shortEscapes maps the letter behind a backslash to what it stands for.
var shortEscapes = [256]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// unescape resolves the escapes of a string that the scanner has checked. It
// fails on a lone surrogate.
func unescape(text string) (string, bool) {
	next := strings.IndexByte(text, '\\')
	if next < 0 {
		return text, true
	}
	out := make([]byte, 0, len(text))
	for ; next >= 0; next = strings.IndexByte(text, '\\') {
		out = append(out, text[:next]...)
		letter := text[next+1]
		if letter != 'u' {
			out = append(out, shortEscapes[letter])
			text = text[next+2:]
			continue
		}
		r, _ := hex4(text[next+2:])
		text = text[next+6:]
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if strings.HasPrefix(text, `\u`) {
				low, _ = hex4(text[2:])
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				return "", false
			}
			text = text[6:]
		}
		out = utf8.AppendRune(out, r)
	}
	return string(append(out, text...)), true
}

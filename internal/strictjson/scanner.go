package strictjson

import (
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

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

func (s *scanner) spaces() {
	if s.at < len(s.text) && s.text[s.at] <= ' ' { // seldom: no encoder writes any
		s.skipSpaces()
	}
}

func (s *scanner) skipSpaces() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// member reads a name, a colon and a value, with the spaces around them.
func (s *scanner) member() (Member, bool) {
	s.spaces()
	start := s.at
	if !s.str() {
		return Member{}, false
	}
	name, ok := Value(s.text[start:s.at]).Text()
	s.spaces()
	if !ok || !s.take(':') {
		return Member{}, false
	}
	v, ok := s.value(1)
	return Member{name, v}, ok
}

// value reads one value that stands depth levels deep, with the spaces around
// it.
func (s *scanner) value(depth int) (Value, bool) {
	s.spaces()
	start := s.at
	ok := s.skip(depth)
	v := Value(s.text[start:s.at])
	s.spaces()
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
	s.spaces()
	if s.take(closing) {
		return true
	}
	for more := true; more; more = s.take(',') {
		if opening == '{' {
			s.spaces()
			if !s.str() {
				return false
			}
			s.spaces()
			if !s.take(':') {
				return false
			}
		}
		s.spaces()
		if !s.skip(depth + 1) {
			return false
		}
		s.spaces()
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
	if s.at < len(s.text) && (s.text[s.at] == ',' || s.text[s.at] == ']') { // in a list, mostly
		return true
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
	for {
		s.at = skipPlain(s.text, s.at)
		switch {
		case s.at == len(s.text):
			return false
		case s.text[s.at] == '"':
			s.at++
			return true
		case s.text[s.at] < ' ' || !s.escape():
			return false
		}
	}
}

// skipPlain returns where the first special byte stands, the length of the text
// when there is none. It looks at eight at a time.
func skipPlain(text string, at int) int {
	const low, high = 0x0101010101010101, 0x8080808080808080
	for ; at+8 <= len(text); at += 8 {
		b := text[at:][:8]
		x := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		quote, backslash := x^low*'"', x^low*'\\'
		// The highest bit of a byte that was not set becomes so where one is taken
		// from zero, or a space from less. That can go wrong behind the first only.
		found := ((quote-low)&^quote | (backslash-low)&^backslash | (x-low*' ')&^x) & high
		if found != 0 {
			return at + bits.TrailingZeros64(found)/8
		}
	}
	for at < len(text) && !special[text[at]] {
		at++
	}
	return at
}

// special are the bytes that may not stand in a string, or end it, or begin an
// escape.
var special = func() (special [256]bool) {
	for c := range byte(' ') {
		special[c] = true
	}
	special['"'], special['\\'] = true, true
	return special
}()

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

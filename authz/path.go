package authz

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// canonicalPath returns the path of a request, without the query and without
// the slashes around it, if it can be read in one way only. What two readers
// could take for two paths is refused, not interpreted: escapes of characters
// that need none or that would separate or resolve once decoded, dot segments,
// empty segments, backslashes, parameters and fragments (RFC 3986, section 6).
func canonicalPath(target string) (string, bool) {
	path, _, _ := strings.Cut(target, "?")
	if path == "" || path[0] != '/' {
		return "", false
	}
	path = path[1:]
	for rest, more := path, path != ""; more && rest != ""; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		if !isCanonical(segment) {
			return "", false
		}
	}
	return strings.TrimSuffix(path, "/"), true
}

// isCanonical reports whether a segment, not empty, can be read in one way
// only.
func isCanonical(segment string) bool {
	if segment == "" || segment == "." || segment == ".." {
		return false
	}
	escaped := false
	for i := 0; i < len(segment); i++ {
		switch c := segment[i]; {
		case c < ' ', c > '~', c == '\\', c == ';', c == '#', c == '?':
			return false
		case c == '%':
			if i+2 >= len(segment) || !needsEscape(segment[i+1], segment[i+2]) {
				return false
			}
			escaped = true
		}
	}
	if !escaped {
		return true
	}
	text, err := url.PathUnescape(segment)
	return err == nil && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// needsEscape reports whether two hexadecimal digits stand for a byte that may
// be escaped: not for one that is the same without, nor for one that would
// mean something else once decoded.
func needsEscape(high, low byte) bool {
	h, okHigh := hexDigit(high)
	l, okLow := hexDigit(low)
	c := h<<4 | l
	switch {
	case !okHigh || !okLow, c < ' ', c == 0x7f:
		return false
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return false
	default:
		return strings.IndexByte(`-._~/\%;?#`, c) < 0
	}
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	default:
		return 0, false
	}
}

// decoded returns what a canonical segment says.
func decoded(segment string) string {
	if strings.IndexByte(segment, '%') < 0 {
		return segment
	}
	text, err := url.PathUnescape(segment)
	if err != nil {
		return segment
	}
	return text
}

// anySegment stands for a segment of any text in a pattern. No canonical
// segment says the same.
const anySegment = "\x00"

// pattern is the path of a route.
type pattern struct {
	segments []string // decoded literals, or anySegment
	rest     bool     // ends with **
	org      int      // which segment is {org_code}, -1 for none
}

var errPattern = errors.New("want a path like /api/agents/{agent}/** : literal segments, * or {name} for one segment, ** at the end for the rest")

// parsePattern reads the path of a route.
func parsePattern(path string) (pattern, error) {
	p := pattern{org: -1}
	if path == "" || path[0] != '/' {
		return p, fmt.Errorf("%q does not start with a slash: %w", path, errPattern)
	}
	if path == "/" {
		return p, nil
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(path[1:], "/"), "/") {
		if err := p.add(segment); err != nil {
			return p, fmt.Errorf("%q: %w", path, err)
		}
	}
	return p, nil
}

func (p *pattern) add(segment string) error {
	name, named := strings.CutPrefix(segment, "{")
	switch {
	case p.rest:
		return errors.New("** stands only at the end")
	case segment == "**":
		p.rest = true
	case segment == "*":
		p.segments = append(p.segments, anySegment)
	case named && strings.HasSuffix(name, "}") && isName(name[:len(name)-1]):
		if name == "org_code}" && p.org >= 0 {
			return errors.New("{org_code} stands there twice")
		} else if name == "org_code}" {
			p.org = len(p.segments)
		}
		p.segments = append(p.segments, anySegment)
	case strings.ContainsAny(segment, "*{}"):
		return fmt.Errorf("segment %q: %w", segment, errPattern)
	case !isCanonical(segment):
		return fmt.Errorf("segment %q can match no canonical path: no dot segments, no ; \\ # ?, percent-encode what is not ASCII and nothing that needs no encoding", segment)
	default:
		p.segments = append(p.segments, decoded(segment))
	}
	return nil
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return s != ""
}

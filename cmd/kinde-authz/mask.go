package main

import (
	"bytes"
	"io"
	"regexp"
)

// tokenPattern is what may be a JWT, or the beginning of one: a header begins
// with eyJ in base64url, unless there is a space in it; a library may change the case. Where somebody put a
// token into a setting, a path or an argument, it must not end up in a terminal
// or a log. What goes before it stays: an escape of JSON, or what is not
// base64url.
var tokenPattern = regexp.MustCompile(`(\\u[0-9a-f]{4}|\\[a-z]|^|[^\w-])` +
	`(?:(?i:eyJ)[\w-]{14,}[\w.-]*|[\w-]{10,}\.[\w-]{10,}\.[\w-]{40,})`)

// mask puts [token] in place of all that looks like a token.
func mask(text []byte) []byte { return tokenPattern.ReplaceAll(text, []byte("$1[token]")) }

// maskDecision is mask for the line of a decision: too many are written to
// search each for more than the way a JWT begins.
func maskDecision(line []byte) []byte {
	if !bytes.Contains(line, []byte("eyJ")) {
		return line
	}
	return mask(line)
}

// masking masks what a command prints.
type masking struct{ io.Writer }

// Write implements [io.Writer].
func (m masking) Write(text []byte) (int, error) {
	if _, err := m.Writer.Write(mask(text)); err != nil {
		return 0, err
	}
	return len(text), nil
}

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// decode writes the header and the claims of a token, for people. Nothing is
// verified. Of a broken token that is no JWT it says so.
func decode(w io.Writer, token string) error {
	text := &bytes.Buffer{}
	segments := strings.Split(token, ".")
	if len(segments) != 3 || !indent(text, "header", segments[0]) || !indent(text, "claims", segments[1]) {
		text = bytes.NewBufferString("this is no JWT: there is nothing to decode\n")
	}
	_, err := text.WriteTo(w)
	return err
}

// indent writes a segment as JSON, and reports whether it is.
func indent(text *bytes.Buffer, name, segment string) bool {
	content, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		return false
	}
	fmt.Fprintf(text, "%s ", name)
	err = json.Indent(text, content, "", "  ")
	text.WriteByte('\n')
	return err == nil
}

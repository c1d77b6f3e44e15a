package kinde

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
	"unsafe"
)

// Limits on what an anonymous caller can make this package work on.
const (
	maxTokenBytes  = 16 << 10
	maxHeaderBytes = 4 << 10 // encoded; room for a key ID of escapes alone
	maxKeyIDBytes  = 256
)

// compact is a JWS in compact serialisation (RFC 7515, section 7.1), taken
// apart but not yet believed.
type compact struct {
	signed    string // the bytes the signature is over
	header    string // JSON text
	payload   string // JSON text
	signature []byte
}

var (
	errTooLong  = &Error{MalformedToken, "the token is longer than 16 KiB"}
	errSegments = &Error{MalformedToken, "the token is not three non-empty segments"}
	errBase64   = &Error{MalformedToken, "a segment is not canonical base64url without padding"}
	errHeadLong = &Error{MalformedToken, "the token's header is too long"}
	errUTF8     = &Error{MalformedToken, "the token is not valid UTF-8"}
)

// strictBase64 refuses padding and trailing bits that are not zero, so that
// one token has one spelling.
var strictBase64 = base64.RawURLEncoding.Strict()

// parseCompact takes a token apart. It is the only door: a JSON
// serialisation, in which an attacker could stand claims of their own beside
// signed ones, has no way in.
func parseCompact(token string) (compact, error) {
	if len(token) > maxTokenBytes {
		return compact{}, errTooLong
	}
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	if header == "" || payload == "" || signature == "" || strings.IndexByte(signature, '.') >= 0 {
		return compact{}, errSegments
	}
	if len(header) > maxHeaderBytes {
		return compact{}, errHeadLong
	}
	// encoding/base64 skips line breaks instead of refusing them.
	if strings.IndexByte(token, '\n') >= 0 || strings.IndexByte(token, '\r') >= 0 {
		return compact{}, errBase64
	}
	c := compact{signed: token[:len(token)-len(signature)-1]}
	buffer := make([]byte, 0, base64.RawURLEncoding.DecodedLen(len(token)))
	var err error
	if buffer, err = strictBase64.AppendDecode(buffer, []byte(header)); err != nil {
		return compact{}, errBase64
	}
	headerEnd := len(buffer)
	if buffer, err = strictBase64.AppendDecode(buffer, []byte(payload)); err != nil {
		return compact{}, errBase64
	}
	if !utf8.Valid(buffer[:headerEnd]) || !utf8.Valid(buffer[headerEnd:]) {
		return compact{}, errUTF8
	}
	// The buffer has room for the signature too, so these bytes stay as they are.
	text := unsafe.String(unsafe.SliceData(buffer), len(buffer)) //nolint:gosec // as above
	c.header, c.payload = text[:headerEnd], text[headerEnd:]
	payloadEnd := len(buffer)
	if buffer, err = strictBase64.AppendDecode(buffer, []byte(signature)); err != nil {
		return compact{}, errBase64
	}
	c.signature = buffer[payloadEnd:]
	return c, nil
}

package kinde

import (
	"strings"

	"github.com/kinde-authz/kinde-authz/internal/strictjson"
)

// header is what the JOSE header of a token says (RFC 7515, section 4).
type header struct {
	algorithm strictjson.Value
	keyID     strictjson.Value
	profile   string // typ, empty when absent
}

var (
	errHeader    = &Error{MalformedToken, "the token's header is not a JSON object with unique names"}
	errForbidden = &Error{MalformedToken, "the token's header has a member that no Kinde token has"}
	errTyp       = &Error{MalformedToken, "the token's typ is not a string"}
	errAlg       = &Error{UnsupportedAlgorithm, "the token's alg is not RS256"}
	errKeyID     = &Error{MalformedToken, "the token's kid is not a string of 1 to 256 bytes"}
)

// parseHeader reads the header. Members that would change what is verified,
// or with what, are refused rather than ignored: an extension nobody here
// implements (crit, b64), another wrapping (enc, zip, cty), or a key that the
// token brings along or points to (jwk, jku, x5u, x5c; RFC 8725, section
// 3.10).
func parseHeader(text string) (header, error) {
	var room [16]strictjson.Member
	members, err := strictjson.Parse(text, room[:0])
	if err != nil {
		return header{}, errHeader
	}
	var h header
	for _, m := range members {
		switch m.Name {
		case "alg":
			h.algorithm = m.Value
		case "kid":
			h.keyID = m.Value
		case "typ":
			var ok bool
			if h.profile, ok = m.Value.Text(); !ok || h.profile == "" {
				return header{}, errTyp
			}
		case "crit", "b64", "enc", "zip", "cty", "jwk", "jku", "x5u", "x5c":
			return header{}, errForbidden
		}
	}
	return h, nil
}

// key returns the key ID. The algorithm is decided here, never by the key or
// by the token (RFC 8725, section 3.1).
func (h header) key() (string, error) {
	if alg, ok := h.algorithm.Text(); !ok || alg != "RS256" {
		return "", errAlg
	}
	id, ok := h.keyID.Text()
	if !ok || id == "" || len(id) > maxKeyIDBytes {
		return "", errKeyID
	}
	return id, nil
}

// isAccessToken reports whether typ is absent or one that an access token may
// have. Kinde says JWT for every kind of token; at+jwt is RFC 9068's.
func (h header) isAccessToken() bool {
	if h.profile == "" {
		return true
	}
	const mediaType = "application/"
	profile := h.profile
	if len(profile) > len(mediaType) && strings.EqualFold(profile[:len(mediaType)], mediaType) {
		profile = profile[len(mediaType):]
	}
	return strings.EqualFold(profile, "JWT") || strings.EqualFold(profile, "at+jwt")
}

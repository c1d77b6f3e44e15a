package kinde

import (
	"net/http"
	"strings"
)

var (
	errNoToken   = &Error{MissingToken, "the request has no bearer token"}
	errTwoTokens = &Error{MalformedAuthorization, "the Authorization header is not exactly one bearer token"}
)

// BearerToken returns the token of a request: that of its only Authorization
// header (RFC 6750, section 2.1), in which the scheme may have any case and one
// space follows it. More than one credential is an attempt to have two readers
// disagree, whichever of them is good.
//
// The error is an [*Error]: [MissingToken], also where the one credential is not a
// bearer token, or [MalformedAuthorization].
func BearerToken(header http.Header) (string, error) {
	return ParseAuthorization(header.Values("Authorization"))
}

// ParseAuthorization is [BearerToken] for the values of the header.
func ParseAuthorization(values []string) (string, error) {
	if len(values) == 0 {
		return "", errNoToken
	}
	credentials := strings.Trim(values[0], " \t")
	if len(values) > 1 || strings.IndexByte(credentials, ',') >= 0 {
		return "", errTwoTokens
	}
	scheme, token := cutScheme(credentials)
	if !strings.EqualFold(scheme, "bearer") {
		return "", errNoToken
	}
	if len(token) < 2 || token[0] != ' ' || strings.IndexByte(token[1:], ' ') >= 0 || strings.IndexByte(token, '\t') >= 0 {
		return "", errTwoTokens
	}
	return token[1:], nil
}

// cutScheme cuts behind the leading token characters (RFC 9110, section
// 5.6.2).
func cutScheme(credentials string) (scheme, rest string) {
	const marks = "!#$%&'*+-.^_`|~"
	for i := range len(credentials) {
		switch c := credentials[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(marks, c) >= 0:
		default:
			return credentials[:i], credentials[i:]
		}
	}
	return credentials, ""
}

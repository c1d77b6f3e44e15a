package authz

import "strings"

// bearerToken returns the token of the only Authorization value (RFC 6750,
// section 2.1), or the reason why there is none. More than one credential is
// an attempt to have two readers disagree, whichever of them is good.
func bearerToken(authorization []string) (token string, refused Reason) {
	if len(authorization) == 0 {
		return "", MissingToken
	}
	credentials := strings.Trim(authorization[0], " \t")
	if len(authorization) > 1 || strings.IndexByte(credentials, ',') >= 0 {
		return "", MalformedAuthorization
	}
	scheme, token := cutScheme(credentials)
	if !strings.EqualFold(scheme, "bearer") {
		return "", MissingToken
	}
	if len(token) < 2 || token[0] != ' ' || strings.IndexByte(token[1:], ' ') >= 0 || strings.IndexByte(token, '\t') >= 0 {
		return "", MalformedAuthorization
	}
	return token[1:], ""
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

package kinde

import "net/http"

// Reason says in one word why a token was refused. The words are part of the
// project's contract: the same one stands in the log, the metrics, the
// metadata and the answer.
type Reason string

// The reasons for which a token is refused, in the order in which they are
// looked for.
const (
	// MissingToken is a request without a bearer token; see [BearerToken].
	MissingToken Reason = "missing_token"
	// MalformedAuthorization is an Authorization header that is not exactly one
	// bearer token.
	MalformedAuthorization Reason = "malformed_authorization"
	// MalformedToken is a token that is not a compact JWS of the strict form
	// described at [Verifier.Verify].
	MalformedToken Reason = "malformed_token"
	// UnsupportedAlgorithm is a token whose alg is anything but RS256.
	UnsupportedAlgorithm Reason = "unsupported_algorithm"
	// WrongIssuer is a token whose iss is none of the configured issuers.
	WrongIssuer Reason = "wrong_issuer"
	// KeysUnavailable means that nothing can be said about the token now: the
	// issuer's keys were never fetched, are too old, or could not be fetched
	// again to look for a new key.
	KeysUnavailable Reason = "keys_unavailable"
	// UnknownKey is a token that names a key its issuer does not publish.
	UnknownKey Reason = "unknown_key"
	// Overloaded means that nothing can be said about the token in time: too many
	// others wait for their signatures to be verified.
	Overloaded Reason = "overloaded"
	// BadSignature is a token that was not signed with the key it names.
	BadSignature Reason = "bad_signature"
	// InvalidClaims is a signed token with a claim of the wrong type or form.
	InvalidClaims Reason = "invalid_claims"
	// TokenExpired is a token whose exp, with the leeway, is not in the future.
	TokenExpired Reason = "token_expired"
	// TokenNotYetValid is a token whose nbf or iat, with the leeway, is in the
	// future.
	TokenNotYetValid Reason = "token_not_yet_valid"
	// NotAnAccessToken is an ID token or another JWT that the same keys sign.
	NotAnAccessToken Reason = "not_an_access_token"
	// EmptyAudience is a token bound to no audience where one is required.
	EmptyAudience Reason = "empty_audience"
	// WrongAudience is a token bound to other audiences.
	WrongAudience Reason = "wrong_audience"
	// UnknownActor is a valid token of neither a user nor a machine.
	UnknownActor Reason = "unknown_actor"
)

// Error is a refused token. Its text is made of fixed words only: nothing of
// the token, its claims or its key ID ever stands in it.
type Error struct {
	// Reason is one of the constants of this package.
	Reason Reason
	// Detail says what exactly was wrong, for a log or a person.
	Detail string
}

// Error returns the reason and the detail.
func (e *Error) Error() string { return string(e.Reason) + ": " + e.Detail }

// HTTPStatus is the status of an answer to a request with the token: 503 where
// nothing can be said about it now, 403 for [UnknownActor], 401 otherwise, with a
// header WWW-Authenticate (RFC 6750, section 3).
func (e *Error) HTTPStatus() int {
	switch e.Reason {
	case KeysUnavailable, Overloaded:
		return http.StatusServiceUnavailable
	case UnknownActor:
		return http.StatusForbidden
	default:
		return http.StatusUnauthorized
	}
}

// Is reports whether target is a sentinel of the same reason, so that
// errors.Is(err, &Error{Reason: TokenExpired}) works.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Reason == e.Reason && (t.Detail == "" || t.Detail == e.Detail)
}

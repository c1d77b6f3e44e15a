package kinde

import (
	"slices"
	"time"

	"github.com/kinde-authz/kinde-authz/internal/strictjson"
)

// Actor says who stands behind a token.
type Actor string

// The actors. The zero value is nobody and passes nowhere.
const (
	// User is a person: the token has a sub.
	User Actor = "user"
	// System is a machine: the token has no sub and was granted by client
	// credentials.
	System Actor = "system"
)

// Token holds the verified claims of an access token. Strings are as the
// issuer sent them, after the checks described at [Verifier.Verify]. Feature flags
// and all other claims are behind [Token.Flag] and [Token.Claim].
//
// https://docs.kinde.com/build/tokens/about-access-tokens/
type Token struct {
	// Actor is who the token stands for, empty for neither user nor machine.
	Actor Actor
	// Issuer is iss, exactly as configured.
	Issuer string
	// Subject is sub: the user's ID, empty for a machine.
	Subject string
	// ClientID is azp: the application, always present for a machine.
	ClientID string
	// OrgCode is org_code: the organization, empty when there is none.
	OrgCode string
	// ID is jti.
	ID string
	// Audience is aud: what the token may be sent to. It is empty for a token
	// that is bound to nothing.
	Audience []string
	// Expires is exp, whole seconds.
	Expires time.Time
	// Scopes are what the token may be used for, without duplicates: scp for
	// a user; scope for a machine, or scp where scope is missing or empty.
	Scopes []string
	// Permissions are the permissions' keys, without duplicates.
	Permissions []string
	// Roles are the roles' keys, without duplicates.
	Roles []string

	payload string           // the claims as they came, for Claim
	flags   strictjson.Value // feature_flags, an object or nothing, for Flag
}

// CheckAudience reports why the token may not be sent to an API that goes by these
// audiences: an [*Error] with [EmptyAudience] or [WrongAudience], nil when aud names
// one of them (RFC 7519, section 4.1.3).
func (t *Token) CheckAudience(accepted []string) error {
	switch {
	case len(t.Audience) == 0:
		return errEmptyAud
	case !slices.ContainsFunc(t.Audience, func(a string) bool { return slices.Contains(accepted, a) }):
		return errWrongAud
	default:
		return nil
	}
}

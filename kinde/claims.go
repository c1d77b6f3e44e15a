package kinde

import (
	"strings"
	"unicode"

	"github.com/kinde-authz/kinde-authz/internal/strictjson"
)

const (
	maxIDBytes  = 512 // of sub, azp and jti
	maxOrgBytes = 128
)

// claims is the payload of a token by the names that are read; the rest needs
// only be valid JSON.
type claims struct {
	text                       string // all of it
	audience                   strictjson.Value
	expires, notBefore, issued strictjson.Value
	subject, grants            strictjson.Value
	client, id, org            strictjson.Value
	scope, scp                 strictjson.Value
	permissions, roles, flags  strictjson.Value
	foreign                    bool // has a claim that only other kinds of token have
}

var (
	errPayload = &Error{MalformedToken, "the token's payload is not a JSON object with unique names"}
	errForeign = &Error{NotAnAccessToken, "the token is an ID token or another JWT, not an access token"}
)

// issuerOf returns iss of a payload that nobody has signed yet, and checks no more
// than that it is an object with one of that name at most. What costs memory, or
// time for each of thousands of members, waits until a signature has shown that the
// token is the issuer's.
func issuerOf(payload string) (string, error) {
	var issuer strictjson.Value
	found := 0
	valid := strictjson.Each(payload, func(m strictjson.Member) {
		if m.Name == "iss" {
			issuer = m.Value
			found++
		}
	})
	if !valid || found > 1 {
		return "", errPayload
	}
	name, _ := issuer.Text()
	return name, nil
}

func parseClaims(text string) (claims, error) {
	var room [32]strictjson.Member
	members, err := strictjson.Parse(text, room[:0])
	if err != nil {
		return claims{}, errPayload
	}
	c := claims{text: text}
	for _, m := range members {
		c.set(m)
	}
	return c, nil
}

func (c *claims) set(m strictjson.Member) {
	switch m.Name {
	case "aud":
		c.audience = m.Value
	case "exp":
		c.expires = m.Value
	case "nbf":
		c.notBefore = m.Value
	case "iat":
		c.issued = m.Value
	case "sub":
		c.subject = m.Value
	case "gty":
		c.grants = m.Value
	case "azp":
		c.client = m.Value
	case "jti":
		c.id = m.Value
	case "org_code":
		c.org = m.Value
	case "scope":
		c.scope = m.Value
	case "scp":
		c.scp = m.Value
	case "permissions":
		c.permissions = m.Value
	case "roles":
		c.roles = m.Value
	case "feature_flags":
		c.flags = m.Value
	case "at_hash", "c_hash", "s_hash", "nonce", "auth_time", "org_codes", // ID tokens
		"events", // logout tokens and security events
		"act":    // delegation (RFC 8693): must never pass as the plain user
		c.foreign = true
	}
}

// invalid is a claim that is not of the form it must have.
func invalid(detail string) *Error { return &Error{InvalidClaims, detail} }

var (
	errSubject     = invalid("sub is not a plain, non-empty string of at most 512 bytes")
	errClient      = invalid("azp is not a plain string of at most 512 bytes")
	errID          = invalid("jti is not a plain string of at most 512 bytes")
	errOrg         = invalid("org_code is not 1 to 128 letters, digits, _ or -")
	errGrants      = invalid("gty is not a non-empty list of strings")
	errNoClient    = invalid("a machine's token has no azp")
	errAudience    = invalid("aud is neither a string nor a list of strings")
	errScope       = invalid("scope is not a string")
	errScp         = invalid("scp is not a list of strings")
	errPermissions = invalid("permissions is not a list of strings")
	errRoles       = invalid("roles is not a list of strings or of objects with a key")
	errFlags       = invalid("feature_flags is not an object")
	errExpires     = invalid("exp is missing or not a number from 0 to 253402300799")
	errIssued      = invalid("iat is missing or not a number from 0 to 253402300799")
	errNotBefore   = invalid("nbf is not a number from 0 to 253402300799")
	errOrder       = invalid("iat or nbf is later than exp")

	errExpired     = &Error{TokenExpired, "exp has passed"}
	errNotYet      = &Error{TokenNotYetValid, "nbf is in the future"}
	errIssuedLater = &Error{TokenNotYetValid, "iat is in the future"}
)

// token checks the type and the form of every claim that is read.
func (c *claims) token(issuer string) (*Token, error) {
	t := &Token{Issuer: issuer, payload: c.text, flags: c.flags}
	var ok bool
	if t.Subject, ok = identifier(c.subject); !ok || c.subject != "" && t.Subject == "" {
		return nil, errSubject
	}
	if t.ClientID, ok = identifier(c.client); !ok {
		return nil, errClient
	}
	if t.ID, ok = identifier(c.id); !ok {
		return nil, errID
	}
	if t.OrgCode, ok = orgCode(c.org); !ok {
		return nil, errOrg
	}
	if t.Permissions, ok = list(c.permissions, strictjson.Value.Text); !ok {
		return nil, errPermissions
	}
	if t.Roles, ok = list(c.roles, roleKey); !ok {
		return nil, errRoles
	}
	if c.flags != "" && !c.flags.IsObject() {
		return nil, errFlags
	}
	if err := c.classify(t); err != nil {
		return nil, err
	}
	return t, c.scopes(t)
}

// classify tells a user from a machine. A sub decides, whatever gty says:
// Kinde sets it and no workflow can override it.
func (c *claims) classify(t *Token) error {
	machine, grants := false, 0
	ok := c.grants == "" || c.grants.Items(func(item strictjson.Value) bool {
		grant, ok := item.Text()
		machine = machine || grant == "client_credentials"
		grants++
		return ok
	})
	switch {
	case !ok || c.grants != "" && grants == 0:
		return errGrants
	case t.Subject != "":
		t.Actor = User
	case machine && t.ClientID == "":
		return errNoClient
	case machine:
		t.Actor = System
	}
	return nil
}

// scopes reads scope and scp. For a machine scope speaks, and scp may be
// empty or missing; a user's scopes are in scp.
func (c *claims) scopes(t *Token) error {
	scope, ok := c.scope.Text()
	if c.scope != "" && !ok {
		return errScope
	}
	if t.Scopes, ok = list(c.scp, strictjson.Value.Text); !ok {
		return errScp
	}
	if words := unique(strings.Split(scope, " ")); t.Actor == System && len(words) > 0 {
		t.Scopes = words
	}
	return nil
}

// identifier reads an optional ID. What would be read differently once it
// stands in a header, a log or a database is refused.
func identifier(v strictjson.Value) (string, bool) {
	if v == "" {
		return "", true
	}
	s, ok := v.Text()
	plain := len(s) <= maxIDBytes && s == strings.TrimSpace(s) && !strings.ContainsFunc(s, unicode.IsControl)
	return s, ok && plain
}

func orgCode(v strictjson.Value) (string, bool) {
	if v == "" {
		return "", true
	}
	s, ok := v.Text()
	return s, ok && IsOrgCode(s)
}

// IsOrgCode reports whether the text can be the code of an organization: 1 to
// 128 letters, digits, _ and -.
func IsOrgCode(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return s != "" && len(s) <= maxOrgBytes
}

// audiences reads aud, a string or a list of strings (RFC 7519, section
// 4.1.3).
func (c *claims) audiences() ([]string, error) {
	if c.audience == "" {
		return nil, nil
	}
	if one, ok := c.audience.Text(); ok {
		return []string{one}, nil
	}
	all, ok := c.audience.Texts()
	if !ok {
		return nil, errAudience
	}
	return all, nil
}

package assertion

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Type is what typ of an assertion says, so that nobody takes another token for one
// (RFC 8725, section 3.11).
const Type = "kinde-assertion+jwt"

// MaxBytes is the most that an assertion has, unless its single values take more.
const MaxBytes = 4 << 10

// Claims are what an assertion says, beside its times. Those without a value are left
// out.
type Claims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	// Subject is the user's ID, or client: and the machine's.
	Subject  string `json:"sub,omitempty"`
	Actor    string `json:"actor"`
	OrgCode  string `json:"org_code,omitempty"`
	ClientID string `json:"client_id,omitempty"`
	// Scope is a list separated by spaces (RFC 8693, section 4.2).
	Scope       string   `json:"scope,omitempty"`
	Permissions []string `json:"permissions,omitempty"`
	Roles       []string `json:"roles,omitempty"`
	TokenID     string   `json:"token_jti,omitempty"`
	// Omitted are the names of the lists that were left out.
	Omitted []string `json:"omitted,omitempty"`
}

// Body is what all assertions of a token have in common: an object of JSON, to which
// the times are to be added.
type Body string

// Body returns the claims in the form in which they are signed. Lists that would bring
// the assertion over [MaxBytes] are left out whole and named in omitted: the longest
// first, of equals the later.
func (c Claims) Body() Body {
	for {
		body := c.write()
		if body.Bytes() <= MaxBytes || !c.omit() {
			return body
		}
	}
}

// omit leaves out the longest list, and reports whether there was one.
func (c *Claims) omit() bool {
	name, most := "", 0
	for _, list := range []struct {
		name  string
		bytes int
	}{
		{"scope", length(c.Scope, c.Scope == "")},
		{"permissions", length(c.Permissions, c.Permissions == nil)},
		{"roles", length(c.Roles, c.Roles == nil)},
	} {
		if list.bytes > 0 && list.bytes >= most {
			name, most = list.name, list.bytes
		}
	}
	switch name {
	case "scope":
		c.Scope = ""
	case "permissions":
		c.Permissions = nil
	case "roles":
		c.Roles = nil
	default:
		return false
	}
	c.Omitted = append(c.Omitted, name)
	return true
}

func length(list any, none bool) int {
	if none {
		return 0
	}
	return len(write(list))
}

func (c *Claims) write() Body { return Body(write(c)) }

// write writes JSON without what only a page of HTML would need.
func write(v any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err) // strings and lists of them
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// Bytes returns how long an assertion with these claims is, whichever key signs.
func (b Body) Bytes() int {
	const header = len(`{"alg":"EdDSA","kid":"","typ":"`+Type+`"}`) + 43 // ES256 is as long
	payload := len(b.at(1e9, 1e9))
	return base64url.EncodedLen(header) + 1 + base64url.EncodedLen(payload) + 1 + base64url.EncodedLen(signatureBytes)
}

// at adds the times, in seconds since 1970.
func (b Body) at(issued, expires int64) []byte {
	out := make([]byte, 0, len(b)+len(`"iat":,"exp":,`)+2*len("253402300799"))
	out = strconv.AppendInt(append(out, `{"iat":`...), issued, 10)
	out = strconv.AppendInt(append(out, `,"exp":`...), expires, 10)
	return append(append(out, ','), b[1:]...)
}

// Sign returns an assertion in compact form, with the times in whole seconds. An
// error says nothing of what was to be signed, nor of the key.
func (k *Keys) Sign(body Body, issued, expires time.Time) (string, error) {
	payload := body.at(issued.Unix(), expires.Unix())
	out := make([]byte, 0, body.Bytes())
	out = append(append(out, k.signing.header...), '.')
	out = base64url.AppendEncode(out, payload)
	signature, err := k.signing.sign(out)
	if err != nil {
		return "", fmt.Errorf("the assertion cannot be signed with the key %s", k.signing.id)
	}
	return string(base64url.AppendEncode(append(out, '.'), signature)), nil
}

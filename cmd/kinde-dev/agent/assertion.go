package agent

import (
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"

	"github.com/kinde-authz/kinde-authz/authz/assertion"
)

const (
	// assertionIssuer is kinde-authz, unless its settings name another.
	assertionIssuer = "kinde-authz"
	assertionHeader = "X-Kinde-Assertion"
	// clockSkew is how far the clock of kinde-authz may be ahead.
	clockSkew = 5 * time.Second
)

// NewKey returns a new private key for assertions, as PEM, and the public one for [Require].
func NewKey() (private []byte, public crypto.PublicKey, err error) {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, nil, err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}), public, nil
}

// Require returns a handler that believes the identity headers of a request only with
// an assertion by the Ed25519 key for the audience that says the same. Others bypassed
// Envoy and get 401. So do those without an identity at the MCP server; elsewhere
// they are passed on, as those of a public route are. The text verified is passed on
// instead of a good assertion: whoever sees that could send it again.
func Require(next http.Handler, key crypto.PublicKey, audience string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(identity(r.Header)) > 0 || r.URL.Path == MCPPath {
			r = r.Clone(r.Context())
			if err := verify(r.Header, key, audience, time.Now()); err != nil {
				refuse(w, err)
				return
			}
			r.Header.Set(assertionHeader, "verified")
		}
		next.ServeHTTP(w, r)
	})
}

func refuse(w http.ResponseWriter, why error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnauthorized)
	_ = json.NewEncoder(w).Encode(map[string]string{ // the client has gone: nothing to tell it
		"error": "the agent does not believe this: " + why.Error(),
	})
}

// verify says what is wrong with the assertion among the headers, if anything.
func verify(headers http.Header, key crypto.PublicKey, audience string, now time.Time) error {
	values := headers.Values(assertionHeader)
	if len(values) != 1 {
		return fmt.Errorf("want one %s, got %d: it did not come through Envoy, or the settings have no assertion",
			strings.ToLower(assertionHeader), len(values))
	}
	if name := odd(headers); name != "" {
		return fmt.Errorf("the header %s comes twice, or is spelled as neither Envoy nor kinde-authz do", name)
	}
	payload, err := jws.Verify([]byte(values[0]), jws.WithCompact(), jws.WithKey(jwa.EdDSA(), key))
	if err != nil {
		return errors.New("its assertion is not signed by the key of kinde-authz")
	}
	message, err := jws.Parse([]byte(values[0]), jws.WithCompact())
	if err != nil {
		return err
	}
	var says struct {
		assertion.Claims
		Issued  int64 `json:"iat"`
		Expires int64 `json:"exp"`
	}
	if err := json.Unmarshal(payload, &says); err != nil {
		return err
	}
	protected := message.Signatures()[0].ProtectedHeaders()
	kind, _ := protected.Type()
	algorithm, _ := protected.Algorithm()
	switch {
	case algorithm != jwa.EdDSA() || kind != assertion.Type || says.Issuer != assertionIssuer || says.Audience != audience:
		return errors.New("its assertion is for something else")
	case now.Unix() >= says.Expires || now.Add(clockSkew).Unix() < says.Issued:
		return errors.New("its assertion has expired, or is of the future")
	}
	return compare(says.Claims, headers)
}

// odd is the name of an identity header that somebody else must have added: kinde-authz
// sends each once, and Envoy removes all other spellings.
func odd(headers http.Header) string {
	for name, values := range identity(headers) {
		if len(values) != 1 || strings.Map(fold, name) != name {
			return name
		}
	}
	return ""
}

// compare says whether the headers are another identity than the claims. A list that one
// of the two leaves out to save room is not compared, and is not passed on.
func compare(signed assertion.Claims, headers http.Header) error {
	told := assertion.Claims{
		Issuer: signed.Issuer, Audience: signed.Audience, Omitted: signed.Omitted,
		Subject: text(headers.Get("X-Kinde-User-Id")), Actor: text(headers.Get("X-Kinde-Actor")),
		OrgCode: text(headers.Get("X-Kinde-Org-Code")), ClientID: text(headers.Get("X-Kinde-Client-Id")),
		Scope: headers.Get("X-Kinde-Scopes"), TokenID: text(headers.Get("X-Kinde-Token-Id")),
		Permissions: list(headers.Get("X-Kinde-Permissions")), Roles: list(headers.Get("X-Kinde-Roles")),
	}
	if told.Actor != "user" && told.ClientID != "" {
		told.Subject += "client:" + told.ClientID
	}
	omitted := strings.Split(headers.Get("X-Kinde-Omitted"), ",")
	leave := func(claim, header string, drop func(*assertion.Claims)) {
		if slices.Contains(signed.Omitted, claim) || slices.Contains(omitted, header) {
			drop(&told)
			drop(&signed)
			headers.Del(header)
		}
	}
	leave("scope", "x-kinde-scopes", func(c *assertion.Claims) { c.Scope = "" })
	leave("permissions", "x-kinde-permissions", func(c *assertion.Claims) { c.Permissions = nil })
	leave("roles", "x-kinde-roles", func(c *assertion.Claims) { c.Roles = nil })
	if !reflect.DeepEqual(told, signed) {
		return errors.New("its identity headers are not those of its assertion")
	}
	return nil
}

// text decodes the value of a header. What cannot be decoded equals no claim.
func text(value string) string {
	decoded, err := url.PathUnescape(value)
	if err != nil {
		return "\x00"
	}
	return decoded
}

// list is the value of a header that has several.
func list(value string) (all []string) {
	if value == "" {
		return nil
	}
	for one := range strings.SplitSeq(value, ",") {
		all = append(all, text(one))
	}
	return all
}

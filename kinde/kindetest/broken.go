package kindetest

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"time"
)

func segment(content string) string { return base64.RawURLEncoding.EncodeToString([]byte(content)) }

func rs256(key *rsa.PrivateKey, input string) string {
	digest := sha256.Sum256([]byte(input))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	must(err)
	return string(signature)
}

// Broken is a way in which a token can be bad.
type Broken struct {
	// Name is what it is asked for by.
	Name string
	// Status and Reason are what the service answers to it behind "Bearer ",
	// when it asks for the sample audience and allows the sample organization
	// alone.
	Status int
	Reason string
	// mint makes the token of the claims that were asked for, broken.
	mint func(*Issuer, Claims) string
}

// claimsBroken is a mint that signs changed claims well.
func claimsBroken(change func(*Issuer, Claims) Claims) func(*Issuer, Claims) string {
	return func(i *Issuer, c Claims) string { return i.Sign(change(i, c)) }
}

// headerBroken is a mint whose header has a member of another value.
func headerBroken(name string, value func(*Issuer) any) func(*Issuer, Claims) string {
	return func(i *Issuer, c Claims) string {
		header := i.Header()
		header[name] = value(i)
		return i.SignAs(header, c)
	}
}

// BrokenKinds are all ways in which [Issuer.Broken] can break a token.
var BrokenKinds = []Broken{
	{"not-a-jwt", 401, "malformed_token", func(*Issuer, Claims) string { return "k_live_0123456789abcdef" }},
	{"json", 401, "malformed_authorization", (*Issuer).jsonSerialised},
	{"padded", 401, "malformed_token", func(i *Issuer, c Claims) string { return i.Sign(c) + "=" }},
	{"duplicate-claim", 401, "malformed_token", func(i *Issuer, c Claims) string {
		payload := text(c)
		return i.SignText(text(i.Header()), payload[:len(payload)-1]+`,"azp":"admin"}`)
	}},
	{"embedded-key", 401, "malformed_token", headerBroken("jwk", func(i *Issuer) any { return publicJWK(i.key()) })},
	{"no-key-id", 401, "malformed_token", func(i *Issuer, c Claims) string {
		return i.SignAs(map[string]any{"alg": "RS256", "typ": "JWT"}, c)
	}},
	{"alg-none", 401, "unsupported_algorithm", func(i *Issuer, c Claims) string {
		header := i.Header()
		header["alg"] = "none"
		return segment(text(header)) + "." + segment(text(c)) + "." + segment("none")
	}},
	{"alg-hs256", 401, "unsupported_algorithm", (*Issuer).signedWithPublicKey},
	{"wrong-issuer", 401, "wrong_issuer", claimsBroken(func(_ *Issuer, c Claims) Claims {
		return c.With("iss", "https://evil.example.com")
	})},
	{"webhook", 401, "wrong_issuer", claimsBroken(func(i *Issuer, _ Claims) Claims { return i.WebhookClaims() })},
	{"unknown-key", 401, "unknown_key", headerBroken("kid", func(*Issuer) any { return newKey().id })},
	{"bad-signature", 401, "bad_signature", func(i *Issuer, c Claims) string {
		input := segment(text(i.Header())) + "." + segment(text(c))
		return input + "." + segment(rs256(newKey().private, input))
	}},
	{"no-expiry", 401, "invalid_claims", claimsBroken(func(_ *Issuer, c Claims) Claims { return c.Without("exp") })},
	{"expired", 401, "token_expired", claimsBroken(func(i *Issuer, c Claims) Claims {
		lifetime := c["exp"].(int64) - c["iat"].(int64)
		exp := i.Now().Add(-time.Hour).Unix()
		return c.With("iat", exp-lifetime).With("exp", exp)
	})},
	{"not-yet-valid", 401, "token_not_yet_valid", claimsBroken(func(i *Issuer, c Claims) Claims {
		return c.With("nbf", i.Now().Add(10*time.Minute).Unix())
	})},
	{"empty-audience", 401, "empty_audience", claimsBroken(func(_ *Issuer, c Claims) Claims {
		return c.With("aud", []string{})
	})},
	{"wrong-audience", 401, "wrong_audience", claimsBroken(func(_ *Issuer, c Claims) Claims {
		return c.With("aud", []string{"https://other.example.com"})
	})},
	{idToken, 401, "not_an_access_token", (*Issuer).Sign},
	{"no-actor", 403, "unknown_actor", claimsBroken(func(_ *Issuer, c Claims) Claims { return c.Without("sub", "gty") })},
	{"no-org", 403, "org_missing", claimsBroken(func(_ *Issuer, c Claims) Claims { return c.Without("org_code") })},
	{"other-org", 403, "org_not_allowed", claimsBroken(func(_ *Issuer, c Claims) Claims {
		return c.With("org_code", "org_stranger")
	})},
}

// idToken is the kind whose claims are not those of an access token.
const idToken = "id-token"

// Broken mints the sample token of a user, broken in one way: the name of one
// of the [BrokenKinds].
func (i *Issuer) Broken(name string) (string, error) {
	return i.Mint(TokenRequest{Broken: name})
}

// brokenKind returns the kind of that name.
func brokenKind(name string) (Broken, error) {
	for _, kind := range BrokenKinds {
		if kind.Name == name {
			return kind, nil
		}
	}
	return Broken{}, fmt.Errorf("broken kind %q: want one of %s", name, strings.Join(BrokenNames(), ", "))
}

// BrokenNames returns the names of the [BrokenKinds].
func BrokenNames() []string {
	names := make([]string, 0, len(BrokenKinds))
	for _, kind := range BrokenKinds {
		names = append(names, kind.Name)
	}
	return slices.Clip(names)
}

// jsonSerialised wraps a signed token in the flattened JSON serialisation (RFC
// 7515, section 7.2.2) with the claims beside it, which some libraries take for
// the signed ones.
func (i *Issuer) jsonSerialised(c Claims) string {
	parts := strings.Split(i.Sign(i.WebhookClaims()), ".")
	return text(c.With("protected", parts[0]).With("payload", parts[1]).With("signature", parts[2]))
}

// signedWithPublicKey uses the public key as the secret of an HMAC.
func (i *Issuer) signedWithPublicKey(c Claims) string {
	key := i.key()
	der, err := x509.MarshalPKIXPublicKey(&key.private.PublicKey)
	must(err)
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	header := i.Header()
	header["alg"] = "HS256"
	input := segment(text(header)) + "." + segment(text(c))
	mac.Write([]byte(input))
	return input + "." + segment(string(mac.Sum(nil)))
}

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
	mint   func(*Issuer) string
}

// BrokenKinds are all ways in which [Issuer.Broken] can break a token.
var BrokenKinds = []Broken{
	{"not-a-jwt", 401, "malformed_token", func(*Issuer) string { return "k_live_0123456789abcdef" }},
	{"json", 401, "malformed_authorization", (*Issuer).jsonSerialised},
	{"padded", 401, "malformed_token", func(i *Issuer) string { return i.Sign(i.UserClaims()) + "=" }},
	{"duplicate-claim", 401, "malformed_token", func(i *Issuer) string {
		payload := text(i.UserClaims())
		return i.SignText(text(i.Header()), payload[:len(payload)-1]+`,"sub":"kp_admin"}`)
	}},
	{"embedded-key", 401, "malformed_token", func(i *Issuer) string {
		header := i.Header()
		header["jwk"] = publicJWK(i.key())
		return i.SignAs(header, i.UserClaims())
	}},
	{"no-key-id", 401, "malformed_token", func(i *Issuer) string {
		return i.SignAs(map[string]any{"alg": "RS256", "typ": "JWT"}, i.UserClaims())
	}},
	{"alg-none", 401, "unsupported_algorithm", func(i *Issuer) string {
		header := i.Header()
		header["alg"] = "none"
		return segment(text(header)) + "." + segment(text(i.UserClaims())) + "." + segment("none")
	}},
	{"alg-hs256", 401, "unsupported_algorithm", (*Issuer).signedWithPublicKey},
	{"wrong-issuer", 401, "wrong_issuer", func(i *Issuer) string {
		return i.Sign(i.UserClaims().With("iss", "https://evil.example.com"))
	}},
	{"webhook", 401, "wrong_issuer", func(i *Issuer) string { return i.Sign(i.WebhookClaims()) }},
	{"unknown-key", 401, "unknown_key", func(i *Issuer) string {
		header := i.Header()
		header["kid"] = newKey().id
		return i.SignAs(header, i.UserClaims())
	}},
	{"bad-signature", 401, "bad_signature", func(i *Issuer) string {
		input := segment(text(i.Header())) + "." + segment(text(i.UserClaims()))
		return input + "." + segment(rs256(newKey().private, input))
	}},
	{"no-expiry", 401, "invalid_claims", func(i *Issuer) string { return i.Sign(i.UserClaims().Without("exp")) }},
	{"expired", 401, "token_expired", func(i *Issuer) string {
		now := i.Now()
		return i.Sign(i.UserClaims().With("iat", now.Add(-2*time.Hour).Unix()).With("exp", now.Add(-time.Hour).Unix()))
	}},
	{"not-yet-valid", 401, "token_not_yet_valid", func(i *Issuer) string {
		return i.Sign(i.UserClaims().With("nbf", i.Now().Add(10*time.Minute).Unix()))
	}},
	{"empty-audience", 401, "empty_audience", func(i *Issuer) string {
		return i.Sign(i.UserClaims().With("aud", []string{}))
	}},
	{"wrong-audience", 401, "wrong_audience", func(i *Issuer) string {
		return i.Sign(i.UserClaims().With("aud", []string{"https://other.example.com"}))
	}},
	{"id-token", 401, "not_an_access_token", func(i *Issuer) string {
		return i.Sign(i.IDClaims().With("aud", []string{Audience}))
	}},
	{"no-actor", 403, "unknown_actor", func(i *Issuer) string { return i.Sign(i.UserClaims().Without("sub")) }},
	{"no-org", 403, "org_missing", func(i *Issuer) string { return i.Sign(i.UserClaims().Without("org_code")) }},
	{"other-org", 403, "org_not_allowed", func(i *Issuer) string {
		return i.Sign(i.UserClaims().With("org_code", "org_stranger"))
	}},
}

// Broken mints a token that is broken in one way: the name of one of the
// [BrokenKinds].
func (i *Issuer) Broken(name string) (string, error) {
	for _, kind := range BrokenKinds {
		if kind.Name == name {
			return kind.mint(i), nil
		}
	}
	return "", fmt.Errorf("broken kind %q: want one of %s", name, strings.Join(BrokenNames(), ", "))
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
// 7515, section 7.2.2) with claims of the attacker's beside it, which some
// libraries take for the signed ones.
func (i *Issuer) jsonSerialised() string {
	parts := strings.Split(i.Sign(i.WebhookClaims()), ".")
	return text(i.UserClaims().With("protected", parts[0]).With("payload", parts[1]).With("signature", parts[2]))
}

// signedWithPublicKey uses the public key as the secret of an HMAC.
func (i *Issuer) signedWithPublicKey() string {
	key := i.key()
	der, err := x509.MarshalPKIXPublicKey(&key.private.PublicKey)
	must(err)
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	header := i.Header()
	header["alg"] = "HS256"
	input := segment(text(header)) + "." + segment(text(i.UserClaims()))
	mac.Write([]byte(input))
	return input + "." + segment(string(mac.Sum(nil)))
}

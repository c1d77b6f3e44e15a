package kinde

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"unicode/utf8"

	"github.com/kinde-authz/kinde-authz/internal/strictjson"
)

// Limits on a JWK set and on the keys taken from one.
const (
	maxSetBytes   = 256 << 10
	maxSetKeys    = 100
	minModulusLen = 2048 // bits
	maxModulusLen = 4096
)

var errSet = errors.New(`not a JWK set: want {"keys": [...]} with unique names`)

// key is a key of an issuer. The same one stays while the issuer publishes it:
// its address tells whether an earlier verdict was reached with it.
type key struct {
	id     string
	public *rsa.PublicKey
}

// parseSet reads a JWK set (RFC 7517, section 5) and returns the usable keys
// by key ID. Each key stands for itself: one that cannot be used is left out
// and described in refused, and the rest is kept.
func parseSet(body string) (keys map[string]*key, refused []error, err error) {
	if !utf8.ValidString(body) {
		return nil, nil, errSet
	}
	members, err := strictjson.Parse(body, nil)
	if err != nil {
		return nil, nil, errSet
	}
	at := slices.IndexFunc(members, func(m strictjson.Member) bool { return m.Name == "keys" })
	if at < 0 {
		return nil, nil, errSet
	}
	var texts []strictjson.Value
	isList := members[at].Value.Items(func(v strictjson.Value) bool {
		texts = append(texts, v)
		return len(texts) <= maxSetKeys
	})
	switch {
	case len(texts) > maxSetKeys:
		return nil, nil, fmt.Errorf("the JWK set has more than %d keys", maxSetKeys)
	case !isList:
		return nil, nil, errSet
	}
	keys, refused = usableKeys(texts)
	if len(keys) == 0 {
		return nil, refused, errors.Join(append([]error{errors.New("the JWK set has no usable key")}, refused...)...)
	}
	return keys, refused, nil
}

// usableKeys takes the keys that may verify. A key ID that two keys share
// names neither.
func usableKeys(texts []strictjson.Value) (keys map[string]*key, refused []error) {
	keys = make(map[string]*key, len(texts))
	shared := make(map[string]bool)
	for i, text := range texts {
		id, public, err := parseKey(text)
		if _, known := keys[id]; known && err == nil {
			shared[id], err = true, errors.New("another key has the same kid: neither is used")
		}
		if err != nil {
			refused = append(refused, fmt.Errorf("key %d of the JWK set: %w", i, err))
			continue
		}
		keys[id] = &key{id, public}
	}
	for id := range shared {
		delete(keys, id)
	}
	return keys, refused
}

// jwk is the members of a JSON Web Key that are read.
type jwk struct {
	kty, kid, use, alg, keyOps, n, e strictjson.Value
	private                          bool
}

// parseKey reads one key and refuses all but a public RSA key that is meant
// for RS256 signatures. Certificates in it (x5c, x5u) are never looked at.
func parseKey(text strictjson.Value) (id string, key *rsa.PublicKey, err error) {
	members, err := strictjson.Parse(string(text), nil)
	if err != nil {
		return "", nil, err
	}
	var k jwk
	for _, m := range members {
		k.set(m)
	}
	if err := k.purpose(); err != nil {
		return "", nil, err
	}
	id, ok := k.kid.Text()
	if !ok || id == "" || len(id) > maxKeyIDBytes {
		return "", nil, errors.New("kid is not a string of 1 to 256 bytes")
	}
	key, err = k.publicKey()
	return id, key, err
}

func (k *jwk) set(m strictjson.Member) {
	switch m.Name {
	case "kty":
		k.kty = m.Value
	case "kid":
		k.kid = m.Value
	case "use":
		k.use = m.Value
	case "alg":
		k.alg = m.Value
	case "key_ops":
		k.keyOps = m.Value
	case "n":
		k.n = m.Value
	case "e":
		k.e = m.Value
	case "d", "p", "q", "dp", "dq", "qi", "oth", "k":
		k.private = true
	}
}

// purpose checks that the key is one to verify RS256 signatures with.
func (k *jwk) purpose() error {
	if k.private {
		return errors.New("it holds private or secret key material: revoke it")
	}
	if kty, _ := k.kty.Text(); kty != "RSA" {
		return errors.New("kty is not RSA")
	}
	if use, _ := k.use.Text(); k.use != "" && use != "sig" {
		return errors.New("use is not sig")
	}
	if alg, _ := k.alg.Text(); k.alg != "" && alg != "RS256" {
		return errors.New("alg is not RS256")
	}
	ops, isList := k.keyOps.Texts()
	if k.keyOps != "" && (!isList || !slices.Contains(ops, "verify")) {
		return errors.New("key_ops does not list verify")
	}
	return nil
}

// publicKey decodes n and e (RFC 7518, section 6.3.1). The exponent is
// compared as it is written: 65537 is what Kinde uses, and reading any other
// number invites an exponent of 1, with which everything is a signature, or
// one that wraps around.
func (k *jwk) publicKey() (*rsa.PublicKey, error) {
	if e, _ := k.e.Text(); e != "AQAB" {
		return nil, errors.New("e is not 65537 (AQAB)")
	}
	text, _ := k.n.Text()
	bytes, err := strictBase64.DecodeString(text)
	if err != nil || len(bytes) == 0 || bytes[0] == 0 {
		return nil, errors.New("n is not a base64url number without leading zeros")
	}
	n := new(big.Int).SetBytes(bytes)
	if bits := n.BitLen(); bits < minModulusLen || bits > maxModulusLen {
		return nil, fmt.Errorf("n has %d bits: want %d to %d", bits, minModulusLen, maxModulusLen)
	}
	if n.Bit(0) == 0 {
		return nil, errors.New("n is even")
	}
	if isROCA(n) {
		return nil, errors.New("n has the fingerprint of a key that can be broken (CVE-2017-15361): replace it")
	}
	return &rsa.PublicKey{N: n, E: 65537}, nil
}

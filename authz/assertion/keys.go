package assertion

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// Keys are what assertions are signed with, and the public keys to verify them by.
// They do not change.
type Keys struct {
	signing *key
	ids     map[string]bool
	jwks    []byte
}

// maxKeys bounds a file: each key is published, and each upstream reads all of them.
const maxKeys = 16

const wantKeys = "want PEM with private keys in PKCS#8 (BEGIN PRIVATE KEY), Ed25519 or P-256"

// ParseKeys reads PEM (RFC 7468) with 1 to 16 private keys in PKCS#8 (RFC 5958), each
// Ed25519 or ECDSA on P-256. The first one signs; the public keys of all are
// published. An error says which key is at fault, and nothing of what it holds.
func ParseKeys(text []byte) (*Keys, error) {
	var all []*key
	keys := &Keys{ids: map[string]bool{}}
	for number := 1; ; number++ {
		block, rest := pem.Decode(text)
		if block == nil && !bytes.Contains(text, begin) {
			break
		}
		if block == nil || bytes.Count(text, begin)-bytes.Count(rest, begin) > 1 { // the decoder skips what it cannot read
			return nil, fmt.Errorf("key %d is not well-formed PEM: %s", number, wantKeys)
		}
		text = rest
		key, err := parseKey(block)
		switch {
		case err != nil:
			return nil, fmt.Errorf("key %d: %w", number, err)
		case number > maxKeys:
			return nil, fmt.Errorf("there are more than %d keys: remove old ones", maxKeys)
		case keys.ids[key.id]:
			return nil, fmt.Errorf("key %d is there twice: remove one of the two", number)
		}
		keys.ids[key.id] = true
		all = append(all, key)
	}
	if len(all) == 0 {
		return nil, errors.New("there is no key: " + wantKeys)
	}
	keys.signing, keys.jwks = all[0], marshalSet(all)
	return keys, nil
}

var begin = []byte("-----BEGIN ")

// parseKey does not wrap what the standard library says of a key: it may quote it.
func parseKey(block *pem.Block) (*key, error) {
	switch block.Type {
	case "PRIVATE KEY":
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("it is encrypted: " + wantKeys)
	case "EC PRIVATE KEY":
		return nil, errors.New("it is in SEC 1: convert it with openssl pkcs8 -topk8 -nocrypt")
	case "PUBLIC KEY":
		return nil, errors.New("it is a public key: " + wantKeys)
	default:
		return nil, errors.New("it is something else: " + wantKeys)
	}
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("it cannot be read: " + wantKeys)
	}
	return newKey(private)
}

// Generate returns one new key, to find out what an assertion would take.
func Generate() (*Keys, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	k, err := newKey(private)
	if err != nil {
		return nil, err
	}
	return &Keys{signing: k, ids: map[string]bool{k.id: true}, jwks: marshalSet([]*key{k})}, nil
}

// JWKS returns the public keys as a JWK set (RFC 7517). It is not to be changed.
func (k *Keys) JWKS() []byte { return k.jwks }

// SigningID returns the ID of the key that signs, its thumbprint (RFC 7638).
func (k *Keys) SigningID() string { return k.signing.id }

// Publishes reports whether the key of that ID is among the public ones.
func (k *Keys) Publishes(id string) bool { return k.ids[id] }

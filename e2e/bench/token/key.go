package token

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

const signatureSize = 256 // of an RSA key with 2048 bits, in bytes

// key is an RSA key, with the ID that it is published under.
type key struct {
	private *rsa.PrivateKey
	pkcs8   []byte
	id      string
}

func newKey() (*key, error) {
	private, err := rsa.GenerateKey(rand.Reader, 8*signatureSize)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	return parseKey(pkcs8)
}

// parseKey reads a key as it is kept: PKCS #8.
func parseKey(pkcs8 []byte) (*key, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, err
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok || private.Size() != signatureSize {
		return nil, errors.New("not an RSA key with 2048 bits")
	}
	sum := sha256.Sum256(private.N.Bytes())
	return &key{private, pkcs8, hex.EncodeToString(sum[:16])}, nil
}

// header returns the first segment of a token.
func (k *key) header() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"RS256","kid":%q,"typ":"JWT"}`, k.id))
}

// sign returns the RS256 signature of what it is given.
func (k *key) sign(input []byte) ([]byte, error) {
	digest := sha256.Sum256(input)
	return rsa.SignPKCS1v15(nil, k.private, crypto.SHA256, digest[:])
}

// jwks returns the set that publishes the key (RFC 7517).
func (k *key) jwks() string {
	encode := base64.RawURLEncoding.EncodeToString
	text, err := json.Marshal(map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": k.id,
		"n": encode(k.private.N.Bytes()), "e": encode(big.NewInt(int64(k.private.E)).Bytes()),
	}}})
	if err != nil {
		panic(err) // plain texts can be written
	}
	return string(text)
}

// Package token makes the tokens of the benchmarks: as many distinct ones as
// asked for, about 1 KiB each, all of the same length. Most readers want
// [Open].
package token

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Domain is the issuer of all tokens. It is never asked: the keys are in a
// file, so that tokens can be kept from one run to the next.
const Domain = "https://bench.kinde.com"

const (
	lifetime  = 30 * 24 * time.Hour
	remaining = 24 * time.Hour // a pool that expires sooner is made anew
)

// Pool is a series of tokens, numbered from 0, that differ in jti and sub.
// Only the signatures are kept, 256 bytes each: the rest follows from the
// number. Everything but Grow may be called at the same time.
type Pool struct {
	key        *key
	template   template
	prefix     string // the first segment and its dot
	signatures []byte
	dir        string
}

// saved is what is kept beside the signatures. The key signs for loopback
// tests alone.
type saved struct {
	Key      []byte    `json:"key"` // PKCS #8
	Issued   time.Time `json:"issued"`
	Template string    `json:"template"`
}

// Open returns the pool that is kept in a folder, or an empty one when there
// is none, or when it expires soon or was made from other claims.
func Open(dir string) (*Pool, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	pool, err := load(dir)
	if err == nil {
		return pool, nil
	}
	if !errors.Is(err, errUnusable) {
		return nil, err
	}
	return create(dir)
}

var errUnusable = errors.New("no usable pool")

// load reads a pool that still holds; errUnusable says that there is none.
func load(dir string) (*Pool, error) {
	var s saved
	text, err := os.ReadFile(filepath.Join(dir, "pool.json")) //nolint:gosec // the developer's own folder
	if err != nil || json.Unmarshal(text, &s) != nil {
		return nil, errUnusable
	}
	template := newTemplate(s.Issued)
	if time.Until(s.Issued.Add(lifetime)) < remaining || template.text() != s.Template {
		return nil, errUnusable
	}
	key, err := parseKey(s.Key)
	if err != nil {
		return nil, errUnusable
	}
	signatures, err := os.ReadFile(filepath.Join(dir, "signatures")) //nolint:gosec // the developer's own folder
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	whole := len(signatures) / signatureSize * signatureSize
	return newPool(dir, key, template, signatures[:whole]), nil
}

// create makes an empty pool with a key of its own.
func create(dir string) (*Pool, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	issued := time.Now().Truncate(time.Second)
	template := newTemplate(issued)
	text, err := json.Marshal(saved{key.pkcs8, issued, template.text()})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "signatures"), nil, 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "pool.json"), text, 0o600); err != nil {
		return nil, err
	}
	return newPool(dir, key, template, nil), nil
}

func newPool(dir string, key *key, template template, signatures []byte) *Pool {
	return &Pool{key: key, template: template, prefix: key.header() + ".", signatures: signatures, dir: dir}
}

// Size returns how many tokens there are.
func (p *Pool) Size() int { return len(p.signatures) / signatureSize }

// JWKS returns the JWK set with the key that signed them all.
func (p *Pool) JWKS() string { return p.key.jwks() }

// Append appends token number i, which must be below Size.
func (p *Pool) Append(dst []byte, i int) []byte {
	signature := p.signatures[i*signatureSize : (i+1)*signatureSize]
	return base64.RawURLEncoding.AppendEncode(append(p.appendInput(dst, i), '.'), signature)
}

// AppendForged appends a token with number i and a random signature. It is
// below the modulus, as a true one is, so that a verifier must compute to find
// out.
func (p *Pool) AppendForged(dst []byte, i int) []byte {
	var signature [signatureSize]byte
	_, _ = rand.Read(signature[1:]) // never fails
	return base64.RawURLEncoding.AppendEncode(append(p.appendInput(dst, i), '.'), signature[:])
}

// appendInput appends what is signed: header and payload.
func (p *Pool) appendInput(dst []byte, i int) []byte {
	var payload [2048]byte
	return base64.RawURLEncoding.AppendEncode(append(dst, p.prefix...), p.template.append(payload[:0], i))
}

// Token returns token number i as a text.
func (p *Pool) Token(i int) string { return string(p.Append(nil, i)) }

// Input returns what is signed of token number i, and the signature, for
// measuring the verification alone.
func (p *Pool) Input(i int) (input, signature []byte) {
	return p.appendInput(nil, i), p.signatures[i*signatureSize : (i+1)*signatureSize]
}

// Length returns how long every token is, in bytes.
func (p *Pool) Length() int {
	return len(p.appendInput(nil, 0)) + 1 + base64.RawURLEncoding.EncodedLen(signatureSize)
}

// String tells the size, for messages.
func (p *Pool) String() string { return fmt.Sprintf("%d tokens of %d bytes", p.Size(), p.Length()) }

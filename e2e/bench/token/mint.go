package token

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// batch is how many tokens are signed between two writes of the file, so that
// an interrupted run loses little.
const batch = 10_000

// Grow signs until there are n tokens, on all cores (about a millisecond a
// token), and keeps them. It tells its progress: how many there are.
func (p *Pool) Grow(n int, progress func(int)) error {
	if p.Size() >= n {
		return nil
	}
	file, err := os.OpenFile(filepath.Join(p.dir, "signatures"), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // each write was checked
	for p.Size() < n {
		first := p.Size()
		signatures, err := p.signAll(first, min(n, first+batch))
		if err != nil {
			return err
		}
		if _, err := file.WriteAt(signatures, int64(first)*signatureSize); err != nil {
			return err
		}
		p.signatures = append(p.signatures, signatures...)
		progress(p.Size())
	}
	return nil
}

// signAll signs tokens first to last-1 and returns the signatures in order.
func (p *Pool) signAll(first, last int) ([]byte, error) {
	signatures := make([]byte, (last-first)*signatureSize)
	workers := runtime.GOMAXPROCS(0)
	failures := make([]error, workers)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for i := first + w; i < last && failures[w] == nil; i += workers {
				var signature []byte
				signature, failures[w] = p.key.sign(p.appendInput(nil, i))
				copy(signatures[(i-first)*signatureSize:], signature)
			}
		})
	}
	wait.Wait()
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	return signatures, nil
}

// Sign returns a token with any claims, for the few that no pool holds.
func (p *Pool) Sign(claims kindetest.Claims) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	input := p.prefix + base64.RawURLEncoding.EncodeToString(payload)
	signature, err := p.key.sign([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), err
}

// Verify does what no verifier of RS256 can do without: the hash and the RSA
// operation.
func (p *Pool) Verify(input, signature []byte) error {
	digest := sha256.Sum256(input)
	return rsa.VerifyPKCS1v15(&p.key.private.PublicKey, crypto.SHA256, digest[:], signature)
}

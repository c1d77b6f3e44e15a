package policytest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
)

// signer stands for every issuer of the settings. Its key is made for one run and
// never leaves the memory.
type signer struct {
	key *rsa.PrivateKey
	set string // the JWK set of the public key
}

const keyID = "policytest"

func newSigner() (*signer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	modulus := encoded(key.N.Bytes())
	exponent := encoded(big.NewInt(int64(key.E)).Bytes())
	set := fmt.Sprintf(`{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":%q,"n":%q,"e":%q}]}`, keyID, modulus, exponent)
	return &signer{key, set}, nil
}

// token returns a token with these claims, as Kinde signs them (RFC 7515, section 3.1).
func (s *signer) token(claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed := encoded([]byte(`{"alg":"RS256","kid":"`+keyID+`","typ":"JWT"}`)) + "." + encoded(payload)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, digest[:])
	if err != nil {
		return "", err
	}
	return signed + "." + encoded(signature), nil
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// RoundTrip implements [http.RoundTripper]: each issuer publishes the key of this run,
// and no request leaves the process.
func (s *signer) RoundTrip(request *http.Request) (*http.Response, error) {
	answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: request}
	answer.Body = io.NopCloser(strings.NewReader(s.set))
	if !strings.HasSuffix(request.URL.Path, "/jwks") {
		answer.StatusCode = http.StatusNotFound
	}
	return answer, nil
}

package assertion

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
)

// signatureBytes is the length of a signature of either kind (RFC 8032, section
// 5.1.6; RFC 7518, section 3.4).
const signatureBytes = 64

var base64url = base64.RawURLEncoding

// key is a private key and what is known of it by all.
type key struct {
	private crypto.Signer
	id      string
	public  publicKey
	header  string // of what it signs, encoded
}

// publicKey is a public key as it is published (RFC 7517; RFC 7518, section 6.2; RFC 8037,
// section 2).
type publicKey struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y,omitempty"`
	ID        string `json:"kid"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
}

func newKey(private any) (*key, error) {
	k := &key{}
	switch p := private.(type) {
	case ed25519.PrivateKey:
		public := p.Public().(ed25519.PublicKey)
		k.private = p
		k.public = publicKey{Type: "OKP", Curve: "Ed25519", X: base64url.EncodeToString(public), Algorithm: "EdDSA"}
	case *ecdsa.PrivateKey:
		if p.Curve != elliptic.P256() {
			return nil, errors.New("it is on another curve: " + wantKeys)
		}
		point, err := p.PublicKey.Bytes() // 4, x, y (SEC 1, section 2.3.3)
		if err != nil {
			return nil, errors.New("its point is not on the curve: " + wantKeys)
		}
		k.private = p
		k.public = publicKey{Type: "EC", Curve: "P-256", X: base64url.EncodeToString(point[1:33]),
			Y: base64url.EncodeToString(point[33:]), Algorithm: "ES256"}
	default:
		return nil, errors.New("it is of another kind: " + wantKeys)
	}
	k.id = k.public.thumbprint()
	k.public.ID, k.public.Use = k.id, "sig"
	k.header = base64url.EncodeToString(marshal(map[string]string{"alg": k.public.Algorithm, "kid": k.id, "typ": Type}))
	return k, nil
}

// thumbprint is that of RFC 7638, with SHA-256: of the required members alone, in
// alphabetical order, as a map is written.
func (j *publicKey) thumbprint() string {
	required := map[string]string{"kty": j.Type, "crv": j.Curve, "x": j.X}
	if j.Y != "" {
		required["y"] = j.Y
	}
	sum := sha256.Sum256(marshal(required))
	return base64url.EncodeToString(sum[:])
}

// sign returns the signature of a JWS (RFC 7515, section 5.1).
func (k *key) sign(input []byte) ([]byte, error) {
	private, isECDSA := k.private.(*ecdsa.PrivateKey)
	if !isECDSA {
		return k.private.Sign(rand.Reader, input, crypto.Hash(0))
	}
	digest := sha256.Sum256(input)
	r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
	if err != nil {
		return nil, err
	}
	signature := make([]byte, signatureBytes)
	r.FillBytes(signature[:signatureBytes/2])
	s.FillBytes(signature[signatureBytes/2:])
	return signature, nil
}

func marshalSet(keys []*key) []byte {
	set := struct {
		Keys []publicKey `json:"keys"`
	}{}
	for _, k := range keys {
		set.Keys = append(set.Keys, k.public)
	}
	return append(marshal(set), '\n')
}

// marshal writes what JSON can hold whatever it is: strings.
func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

package kinde_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// BenchmarkVerify shows what each kind of token costs, beside the bare RSA
// operation.
func BenchmarkVerify(b *testing.B) {
	issuer := newIssuer(b)
	v := running(b, configFor(issuer))
	good := issuer.Sign(issuer.UserClaims())
	broken := func(kind string) string {
		token, err := issuer.Broken(kind)
		if err != nil {
			b.Fatal(err)
		}
		return token
	}
	b.Run("rsa_alone", func(b *testing.B) {
		at := strings.LastIndexByte(good, '.')
		signature, _ := base64.RawURLEncoding.DecodeString(good[at+1:])
		key := &issuer.PrivateKey().PublicKey
		b.ReportAllocs()
		for b.Loop() {
			digest := sha256.Sum256([]byte(good[:at]))
			if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature); err != nil {
				b.Fatal(err)
			}
		}
	})
	many, distinct := strings.Repeat(`"m":1,`, 2500), ""
	for i := range 1100 {
		distinct += fmt.Sprintf(`"%x":1,`, i)
	}
	for _, test := range []struct{ name, token string }{
		{"good", good}, {"bad_signature", broken("bad-signature")}, {"expired", broken("expired")},
		{"alg_none", broken("alg-none")},
		{"wrong_issuer", broken("wrong-issuer")},
		{"duplicate_claim", broken("duplicate-claim")},
		{"junk_60KiB", strings.Repeat("A.", 30<<10)},
		{"junk_16KiB_header", issuer.SignText(`{`+many+`"alg":"RS256"}`, `{}`)},
		{"junk_payload", issuer.SignText(`{"alg":"RS256","kid":"a"}`, `{`+many[:11000]+`}`)},
		{"junk_distinct", issuer.SignText(`{"alg":"RS256","kid":"a"}`, `{`+distinct+`"iss":"x"}`)},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), test.token); (err == nil) != (test.name == "good") {
					b.Fatal(err)
				}
			}
		})
	}
}

package kinde

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// junk are tokens of 16 KiB that nobody signed, each made to cost as much as it can
// before it is refused.
func junk() map[string]string {
	encode := base64.RawURLEncoding.EncodeToString
	const room = 12 << 10 // of JSON, in 16 KiB of base64url
	header := `{"alg":"none","kid":"a"}`
	many := func(member func(i int) string) string {
		var out strings.Builder
		out.WriteString(`{"iss":"https://t.kinde.com"`)
		for i := 0; ; i++ {
			next := "," + member(i)
			if out.Len()+len(next) > room-100 {
				break
			}
			out.WriteString(next)
		}
		return out.String() + "}"
	}
	var names strings.Builder
	names.WriteString(`{"alg":"none"`)
	for i := 0; names.Len() < 3000; i++ {
		fmt.Fprintf(&names, `,"%x":1`, i)
	}
	token := func(header, payload string) string {
		return encode([]byte(header)) + "." + encode([]byte(payload)) + ".AAAA"
	}
	return map[string]string{
		"members":       token(header, many(func(i int) string { return fmt.Sprintf(`"%x":1`, i) })),
		"escaped_names": token(header, many(func(i int) string { return fmt.Sprintf(`"\u00%02x%x":1`, 0x61+i%16, i) })),
		"lists": token(header,
			many(func(i int) string { return fmt.Sprintf(`"%x":[%s1]`, i, strings.Repeat("1,", 2000)) })),
		"escapes": token(header,
			many(func(i int) string { return fmt.Sprintf(`"%x":"%s"`, i, strings.Repeat(`\n`, 2000)) })),
		"nested": token(header, many(func(i int) string {
			return fmt.Sprintf(`"%x":%s1%s`, i, strings.Repeat("[", 60), strings.Repeat("]", 60))
		})),
		"objects": token(header,
			many(func(i int) string { return fmt.Sprintf(`"%x":{%s"":1}`, i, strings.Repeat(`"":1,`, 500)) })),
		"repeated_at_end": token(header,
			many(func(i int) string { return fmt.Sprintf(`"%x":1`, i) })[:room-120]+`":1,"iss":1}`),
		"spaces": token(header,
			many(func(i int) string { return strings.Repeat(" ", 3000) + fmt.Sprintf(`"%x":1`, i) })),
		"header_of_4_KiB": token(names.String()+"}", "{}"),
		"no_JSON":         token(header, strings.Repeat("[", room-100)),
		"text":            token(header, `{"a":"`+strings.Repeat("a", room-100)+`"}`),
	}
}

func BenchmarkJunk(b *testing.B) {
	digest := sha256.Sum256(nil)
	signature, err := rsa.SignPKCS1v15(nil, keyPair(), crypto.SHA256, digest[:])
	if err != nil {
		b.Fatal(err)
	}
	b.Run("one_RSA_verification", func(b *testing.B) {
		for b.Loop() {
			if rsa.VerifyPKCS1v15(&keyPair().PublicKey, crypto.SHA256, digest[:], signature) != nil {
				b.Fatal("refused")
			}
		}
	})
	verifier, err := NewVerifier(Config{Issuers: []Issuer{{Domain: "https://t.kinde.com"}}})
	if err != nil {
		b.Fatal(err)
	}
	for name, token := range junk() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if verifier.Judge(b.Context(), token).Err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

package kinde

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"testing"
)

var keyPair = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// weakModulus is a key of 2048 bits with the fingerprint of CVE-2017-15361, from
// the test vectors of those who found it (crocs-muni/roca, mod03.txt).
const weakModulus = "" +
	"9dcd7420e420c270a68060eb8b5aa7457a9f6648f86fafed2775cc1f79ae962f1e63f1b9e51c55f9ea6fdc7332e9b005" +
	"8c9ff2eb1fc89855029cf6aafe21e689feb38ac9ffb12f1ce371bb5d0e9aae64161abce74b4244bf68f1edb4411f756a" +
	"097c8929c14740245ea355f8332d1aa36bb50c7dcb4505da8de02e4e53d38f8df06097da7524df0df93db48eac8cc4af" +
	"2d3a16257eb2b2adca6ba464e5974fa92550d31b1babf161e7692d00b86e3dd886ecab4abfbe1a8f8cc263ff4af55cdb" +
	"45f4249a5193925f5e983d762f0b6800943eb0267b08f42ed311ce1f5c86eacbc8ce4d3cb7a2fee1ef5641423a1cf411" +
	"4e5ecf50034a60a412523af9e6f4aa11"

func fromHex(digits string) *big.Int {
	n, ok := new(big.Int).SetString(digits, 16)
	if !ok {
		panic("not a number: " + digits)
	}
	return n
}

func number(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

// ofBits is an odd number of so many bits.
func ofBits(bits uint) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return n.SetBit(n, 0, 1)
}

// jwkWith is a good key with members changed; nil removes one.
func jwkWith(changes map[string]any) map[string]any {
	key := map[string]any{"kty": "RSA", "kid": "a:b", "use": "sig", "alg": "RS256", "n": number(keyPair().N), "e": "AQAB"}
	maps.Copy(key, changes)
	maps.DeleteFunc(key, func(_ string, v any) bool { return v == nil })
	return key
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func set(keys ...any) string { return asJSON(map[string]any{"keys": keys}) }

func TestAttackUsableKeys(t *testing.T) {
	for name, changes := range map[string]map[string]any{
		"as Kinde publishes it":     nil,
		"without use":               {"use": nil},
		"without alg":               {"alg": nil},
		"to verify":                 {"key_ops": []string{"verify"}},
		"4096 bits":                 {"n": number(ofBits(4096))},
		"2048 bits":                 {"n": number(ofBits(2048))},
		"P17 certificates ignored":  {"x5c": []string{"nonsense"}, "x5u": "https://evil", "x5t": 1},
		"members that nobody knows": {"x": map[string]any{"y": 1}},
		"key ID of 256 bytes":       {"kid": strings.Repeat("k", 256)},
	} {
		t.Run(name, func(t *testing.T) {
			keys, refused, err := parseSet(set(jwkWith(changes)))
			if err != nil || len(keys) != 1 || len(refused) != 0 {
				t.Errorf("%d keys, %v, %v", len(keys), refused, err)
			}
		})
	}
}

// Every product of two powers of 65537 modulo the small primes is found, and a
// number that differs in one of these alone is not.
func TestROCA(t *testing.T) {
	small := big.NewInt(1)
	for prime := range rocaPowers {
		small.Mul(small, big.NewInt(prime))
	}
	random := mathrand.New(mathrand.NewPCG(1, 2))
	weak := func() *big.Int {
		n := new(big.Int).Exp(big.NewInt(65537), new(big.Int).SetUint64(random.Uint64()), small)
		return n.Add(n, new(big.Int).Mul(small, new(big.Int).SetUint64(random.Uint64())))
	}
	for range 1000 {
		modulus := weak()
		modulus.Mul(modulus, weak())
		if !isROCA(modulus) {
			t.Fatalf("%x is not found", modulus)
		}
		if isROCA(new(big.Int).Mul(modulus, big.NewInt(11))) { // no power of anything modulo 11
			t.Fatalf("%x, times 11, is found", modulus)
		}
	}
	if len(rocaPowers) != 38 {
		t.Errorf("%d primes, want 38: those from 3 to 167", len(rocaPowers))
	}
}

func TestAttackUnusableKeys(t *testing.T) {
	one := big.NewInt(1)
	pow := func(bits uint) *big.Int { return new(big.Int).Lsh(one, bits) }
	for name, test := range map[string]struct {
		changes map[string]any
		says    string
	}{
		"P5 secret":               {map[string]any{"kty": "oct", "k": "AAAA"}, "private or secret"},
		"P5 secret beside RSA":    {map[string]any{"k": "AAAA"}, "private or secret"},
		"P6 private exponent":     {map[string]any{"d": "AQAB"}, "private or secret"},
		"P6 prime":                {map[string]any{"p": "AQAB"}, "private or secret"},
		"P6 prime q":              {map[string]any{"q": "AQAB"}, "private or secret"},
		"P6 dp":                   {map[string]any{"dp": "AQAB"}, "private or secret"},
		"P6 dq":                   {map[string]any{"dq": "AQAB"}, "private or secret"},
		"P6 qi":                   {map[string]any{"qi": "AQAB"}, "private or secret"},
		"P6 oth":                  {map[string]any{"oth": []any{}}, "private or secret"},
		"P7 for encryption":       {map[string]any{"use": "enc"}, "use is not sig"},
		"P7 use of another type":  {map[string]any{"use": 1}, "use is not sig"},
		"P7 to encrypt":           {map[string]any{"key_ops": []string{"encrypt"}}, "key_ops"},
		"P7 to sign":              {map[string]any{"key_ops": []string{"sign"}}, "key_ops"},
		"P7 for nothing":          {map[string]any{"key_ops": []string{}}, "key_ops"},
		"P7 key_ops of text":      {map[string]any{"key_ops": "verify"}, "key_ops"},
		"P9 no key ID":            {map[string]any{"kid": nil}, "kid"},
		"P9 empty key ID":         {map[string]any{"kid": ""}, "kid"},
		"P9 number as key ID":     {map[string]any{"kid": 1}, "kid"},
		"P9 long key ID":          {map[string]any{"kid": strings.Repeat("k", 257)}, "kid"},
		"P10 EC":                  {map[string]any{"kty": "EC", "crv": "P-256"}, "kty"},
		"P10 OKP":                 {map[string]any{"kty": "OKP"}, "kty"},
		"P10 no type":             {map[string]any{"kty": nil}, "kty"},
		"P10 other case":          {map[string]any{"kty": "rsa"}, "kty"},
		"alg PS256":               {map[string]any{"alg": "PS256"}, "alg"},
		"alg of another type":     {map[string]any{"alg": 1}, "alg"},
		"P11 512 bits":            {map[string]any{"n": number(ofBits(512))}, "512 bits"},
		"P11 1024 bits":           {map[string]any{"n": number(ofBits(1024))}, "1024 bits"},
		"P11 2047 bits":           {map[string]any{"n": number(ofBits(2047))}, "2047 bits"},
		"P11 4097 bits":           {map[string]any{"n": number(ofBits(4097))}, "4097 bits"},
		"P12 ROCA":                {map[string]any{"n": number(fromHex(weakModulus))}, "CVE-2017-15361"},
		"P13 e 1":                 {map[string]any{"e": number(one)}, "e is not"},
		"P13 e 2":                 {map[string]any{"e": number(big.NewInt(2))}, "e is not"},
		"P13 e 3":                 {map[string]any{"e": number(big.NewInt(3))}, "e is not"},
		"P13 e even":              {map[string]any{"e": number(big.NewInt(65536))}, "e is not"},
		"P13 e 2^32+1":            {map[string]any{"e": number(new(big.Int).Add(pow(32), one))}, "e is not"},
		"P14 e 2^64+65537":        {map[string]any{"e": number(new(big.Int).Add(pow(64), big.NewInt(65537)))}, "e is not"},
		"P13 e with leading zero": {map[string]any{"e": "AAEAAQ"}, "e is not"},
		"P13 no e":                {map[string]any{"e": nil}, "e is not"},
		"P13 number as e":         {map[string]any{"e": 65537}, "e is not"},
		"P15 n even":              {map[string]any{"n": number(pow(2047))}, "even"},
		"P15 n with leading zero": {map[string]any{"n": "AA" + number(keyPair().N)}, "leading zeros"},
		"P15 n not base64url":     {map[string]any{"n": "+" + number(keyPair().N)}, "base64url"},
		"P15 n padded":            {map[string]any{"n": number(keyPair().N) + "=="}, "base64url"},
		"P15 n 0":                 {map[string]any{"n": "AA"}, "leading zeros"},
		"P15 no n":                {map[string]any{"n": nil}, "base64url"},
	} {
		t.Run(name, func(t *testing.T) {
			good := jwkWith(map[string]any{"kid": "good"})
			keys, refused, err := parseSet(set(jwkWith(test.changes), good))
			if err != nil || len(keys) != 1 || keys["good"] == nil || len(refused) != 1 || !strings.Contains(refused[0].Error(), test.says) {
				t.Errorf("%d keys, %v, %v: want the good one, and a word about %s", len(keys), refused, err, test.says)
			}
			if _, _, err := parseSet(set(jwkWith(test.changes))); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("alone: %v", err)
			}
		})
	}
}

func TestAttackSharedKeyID(t *testing.T) {
	twin := jwkWith(map[string]any{"n": number(ofBits(2048))})
	for name, keys := range map[string][]any{
		"D14 P9 twice":     {jwkWith(nil), twin, jwkWith(map[string]any{"kid": "good"})},
		"D14 P9 the same":  {jwkWith(nil), jwkWith(nil), jwkWith(map[string]any{"kid": "good"})},
		"D14 P9 three":     {jwkWith(nil), twin, jwkWith(nil), jwkWith(map[string]any{"kid": "good"})},
		"D14 P9 good last": {jwkWith(map[string]any{"kid": "good"}), twin, jwkWith(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			got, refused, err := parseSet(set(keys...))
			if err != nil || len(got) != 1 || got["good"] == nil || len(refused) == 0 {
				t.Errorf("%d keys, %v, %v", len(got), refused, err)
			}
		})
	}
	t.Run("P7 an unusable key shares no ID", func(t *testing.T) {
		got, refused, err := parseSet(set(jwkWith(nil), jwkWith(map[string]any{"use": "enc"})))
		if err != nil || len(got) != 1 || len(refused) != 1 {
			t.Errorf("%d keys, %v, %v", len(got), refused, err)
		}
	})
}

func TestAttackKeySets(t *testing.T) {
	key := asJSON(jwkWith(nil))
	many := make([]any, maxSetKeys+1)
	for i := range many {
		many[i] = jwkWith(map[string]any{"kid": fmt.Sprint(i)})
	}
	for name, body := range map[string]string{
		"P1 no key":            `{"keys":[]}`,
		"P3 no keys":           `{}`,
		"P3 null":              `null`,
		"P3 list":              `[` + key + `]`,
		"P3 bare key":          key,
		"P3 HTML":              `<html></html>`,
		"P3 PEM":               `-----BEGIN PUBLIC KEY-----`,
		"P3 cut short":         `{"keys":[` + key + `]`,
		"P3 trailing garbage":  `{"keys":[` + key + `]}x`,
		"P3 twice":             `{"keys":[` + key + `],"keys":[` + key + `]}`,
		"P3 null keys":         `{"keys":null}`,
		"P3 object":            `{"keys":` + key + `}`,
		"P3 other case":        `{"Keys":[` + key + `]}`,
		"P3 invalid UTF-8":     `{"keys":[` + key + `],"x":"` + "\xff" + `"}`,
		"P18 too many":         set(many...),
		"P19 deep":             `{"keys":[` + key + `],"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`,
		"P19 members repeated": `{"keys":[` + strings.Replace(key, `"kid"`, `"kid":"x","kid"`, 1) + `]}`,
		"P3 things, not keys":  `{"keys":[1,"x",null,[]]}`,
		"P3 empty":             ``,
	} {
		t.Run(name, func(t *testing.T) {
			if keys, _, err := parseSet(body); err == nil || keys != nil {
				t.Errorf("%d keys, %v", len(keys), err)
			}
		})
	}
	if keys, _, err := parseSet(set(many[:maxSetKeys]...)); err != nil || len(keys) != maxSetKeys {
		t.Errorf("%d keys, %v, want %d", len(keys), err, maxSetKeys)
	}
}

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

func TestAttackGoodKeysAreUsed(t *testing.T) {
	for name, changes := range map[string]map[string]any{
		"R17 a key as Kinde publishes it": nil,
		"R17 without use":                 {"use": nil},
		"R17 without alg":                 {"alg": nil},
		"R17 to verify with":              {"key_ops": []string{"verify"}},
		"R9 4096 bits":                    {"n": number(ofBits(4096))},
		"R9 2048 bits":                    {"n": number(ofBits(2048))},
		"R13 certificates beside the key": {"x5c": []string{"nonsense"}, "x5u": "https://evil", "x5t": 1},
		"R17 members that nobody knows":   {"x": map[string]any{"y": 1}},
		"R6 a key ID of 256 bytes":        {"kid": strings.Repeat("k", 256)},
	} {
		t.Run(name, func(t *testing.T) {
			keys, refused, err := parseSet(set(jwkWith(changes)))
			if err != nil || len(keys) != 1 || len(refused) != 0 {
				t.Errorf("%d keys, %v, %v", len(keys), refused, err)
			}
		})
	}
}

// Attack R10: every product of two powers of 65537 modulo the small primes is
// found, and a number that differs in one of these alone is not.
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

func TestAttackUnsafeKeysAreRefused(t *testing.T) {
	one := big.NewInt(1)
	pow := func(bits uint) *big.Int { return new(big.Int).Lsh(one, bits) }
	for name, test := range map[string]struct {
		changes map[string]any
		says    string
	}{
		"R3 a secret":                       {map[string]any{"kty": "oct", "k": "AAAA"}, "private or secret"},
		"R3 a secret beside a public key":   {map[string]any{"k": "AAAA"}, "private or secret"},
		"R4 a private exponent":             {map[string]any{"d": "AQAB"}, "private or secret"},
		"R4 a prime, p":                     {map[string]any{"p": "AQAB"}, "private or secret"},
		"R4 a prime, q":                     {map[string]any{"q": "AQAB"}, "private or secret"},
		"R4 a member of a private key, dp":  {map[string]any{"dp": "AQAB"}, "private or secret"},
		"R4 a member of a private key, dq":  {map[string]any{"dq": "AQAB"}, "private or secret"},
		"R4 a member of a private key, qi":  {map[string]any{"qi": "AQAB"}, "private or secret"},
		"R4 a member of a private key, oth": {map[string]any{"oth": []any{}}, "private or secret"},
		"R5 a key for encryption":           {map[string]any{"use": "enc"}, "use is not sig"},
		"R5 use is a number":                {map[string]any{"use": 1}, "use is not sig"},
		"R5 a key to encrypt with":          {map[string]any{"key_ops": []string{"encrypt"}}, "key_ops"},
		"R5 a key to sign with":             {map[string]any{"key_ops": []string{"sign"}}, "key_ops"},
		"R5 a key for no operation":         {map[string]any{"key_ops": []string{}}, "key_ops"},
		"R5 key_ops is a string":            {map[string]any{"key_ops": "verify"}, "key_ops"},
		"R6 no key ID":                      {map[string]any{"kid": nil}, "kid"},
		"R6 an empty key ID":                {map[string]any{"kid": ""}, "kid"},
		"R6 a number as key ID":             {map[string]any{"kid": 1}, "kid"},
		"R6 a key ID of 257 bytes":          {map[string]any{"kid": strings.Repeat("k", 257)}, "kid"},
		"R8 an elliptic curve key":          {map[string]any{"kty": "EC", "crv": "P-256"}, "kty"},
		"R8 an Edwards curve key":           {map[string]any{"kty": "OKP"}, "kty"},
		"R8 no type":                        {map[string]any{"kty": nil}, "kty"},
		"R8 the type in another case":       {map[string]any{"kty": "rsa"}, "kty"},
		"R16 alg PS256":                     {map[string]any{"alg": "PS256"}, "alg"},
		"R16 alg is a number":               {map[string]any{"alg": 1}, "alg"},
		"R9 512 bits":                       {map[string]any{"n": number(ofBits(512))}, "512 bits"},
		"R9 1024 bits":                      {map[string]any{"n": number(ofBits(1024))}, "1024 bits"},
		"R9 2047 bits":                      {map[string]any{"n": number(ofBits(2047))}, "2047 bits"},
		"R9 4097 bits":                      {map[string]any{"n": number(ofBits(4097))}, "4097 bits"},
		"R10 a weak modulus (ROCA)":         {map[string]any{"n": number(fromHex(weakModulus))}, "CVE-2017-15361"},
		"R11 the exponent 1":                {map[string]any{"e": number(one)}, "e is not"},
		"R11 the exponent 2":                {map[string]any{"e": number(big.NewInt(2))}, "e is not"},
		"R11 the exponent 3":                {map[string]any{"e": number(big.NewInt(3))}, "e is not"},
		"R11 an even exponent":              {map[string]any{"e": number(big.NewInt(65536))}, "e is not"},
		"R11 the exponent 2^32+1":           {map[string]any{"e": number(new(big.Int).Add(pow(32), one))}, "e is not"},
		"R11 the exponent 2^64+65537": {
			map[string]any{"e": number(new(big.Int).Add(pow(64), big.NewInt(65537)))},
			"e is not",
		},
		"R11 an exponent with a leading zero": {map[string]any{"e": "AAEAAQ"}, "e is not"},
		"R11 no exponent":                     {map[string]any{"e": nil}, "e is not"},
		"R11 the exponent as a number":        {map[string]any{"e": 65537}, "e is not"},
		"R12 an even modulus":                 {map[string]any{"n": number(pow(2047))}, "even"},
		"R12 a modulus with a leading zero":   {map[string]any{"n": "AA" + number(keyPair().N)}, "leading zeros"},
		"R12 a modulus that is not base64url": {map[string]any{"n": "+" + number(keyPair().N)}, "base64url"},
		"R12 a padded modulus":                {map[string]any{"n": number(keyPair().N) + "=="}, "base64url"},
		"R12 the modulus 0":                   {map[string]any{"n": "AA"}, "leading zeros"},
		"R12 no modulus":                      {map[string]any{"n": nil}, "base64url"},
	} {
		t.Run(name, func(t *testing.T) {
			good := jwkWith(map[string]any{"kid": "good"})
			keys, refused, err := parseSet(set(jwkWith(test.changes), good))
			if err != nil || len(keys) != 1 || keys["good"] == nil || len(refused) != 1 ||
				!strings.Contains(refused[0].Error(), test.says) {
				t.Errorf("%d keys, %v, %v: want the good one, and a word about %s", len(keys), refused, err, test.says)
			}
			if _, _, err := parseSet(set(jwkWith(test.changes))); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("alone: %v", err)
			}
		})
	}
}

func TestAttackSharedKeyIDsAreRefused(t *testing.T) {
	twin := jwkWith(map[string]any{"n": number(ofBits(2048))})
	for name, keys := range map[string][]any{
		"R7 two keys":                    {jwkWith(nil), twin, jwkWith(map[string]any{"kid": "good"})},
		"R7 the same key twice":          {jwkWith(nil), jwkWith(nil), jwkWith(map[string]any{"kid": "good"})},
		"R7 three keys":                  {jwkWith(nil), twin, jwkWith(nil), jwkWith(map[string]any{"kid": "good"})},
		"R7 two keys, behind a good one": {jwkWith(map[string]any{"kid": "good"}), twin, jwkWith(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			got, refused, err := parseSet(set(keys...))
			if err != nil || len(got) != 1 || got["good"] == nil || len(refused) == 0 {
				t.Errorf("%d keys, %v, %v", len(got), refused, err)
			}
		})
	}
	t.Run("R7 a key that is not usable shares no ID", func(t *testing.T) {
		got, refused, err := parseSet(set(jwkWith(nil), jwkWith(map[string]any{"use": "enc"})))
		if err != nil || len(got) != 1 || len(refused) != 1 {
			t.Errorf("%d keys, %v, %v", len(got), refused, err)
		}
	})
}

func TestAttackBrokenKeySetsAreRefused(t *testing.T) {
	key := asJSON(jwkWith(nil))
	many := make([]any, maxSetKeys+1)
	for i := range many {
		many[i] = jwkWith(map[string]any{"kid": fmt.Sprint(i)})
	}
	for name, body := range map[string]string{
		"R1 no key":                   `{"keys":[]}`,
		"R2 no keys member":           `{}`,
		"R2 null":                     `null`,
		"R2 a list":                   `[` + key + `]`,
		"R2 a key without a set":      key,
		"R2 HTML":                     `<html></html>`,
		"R2 PEM":                      `-----BEGIN PUBLIC KEY-----`,
		"R2 a set that is cut short":  `{"keys":[` + key + `]`,
		"R2 garbage behind the set":   `{"keys":[` + key + `]}x`,
		"R2 two keys members":         `{"keys":[` + key + `],"keys":[` + key + `]}`,
		"R2 keys is null":             `{"keys":null}`,
		"R2 keys is an object":        `{"keys":` + key + `}`,
		"R2 keys in another case":     `{"Keys":[` + key + `]}`,
		"R2 a byte that is not UTF-8": `{"keys":[` + key + `],"x":"` + "\xff" + `"}`,
		"R14 101 keys":                set(many...),
		"R15 a member nested 1,000 deep": `{"keys":[` + key + `],"x":` +
			strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`,
		"R15 a repeated member":        `{"keys":[` + strings.Replace(key, `"kid"`, `"kid":"x","kid"`, 1) + `]}`,
		"R2 keys that are not objects": `{"keys":[1,"x",null,[]]}`,
		"R2 an empty body":             ``,
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

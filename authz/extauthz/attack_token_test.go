package extauthz_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

func TestAttackOnlyCompactTokensAreRead(t *testing.T) {
	attack(t, newWorld(t), []row{
		{"B1 flattened JSON serialization", jsonSerialized("flattened"), authz.MalformedAuthorization},
		{
			"B1 flattened JSON serialization of one member",
			func(*world) request { return bearer(`{"payload":"e30"}`) },
			kinde.MalformedToken,
		},
		{"B2 general JSON serialization", jsonSerialized("general"), authz.MalformedAuthorization},
		{
			"B3 general JSON serialization with an unprotected alg of none",
			jsonSerialized("unprotected"),
			authz.MalformedAuthorization,
		},
		{
			"B4 the claims alone, as JSON",
			func(w *world) request { return bearer(marshal(w.strict.UserClaims())) },
			authz.MalformedAuthorization,
		},
		{"B5 one segment", func(*world) request { return bearer("abc") }, kinde.MalformedToken},
		{"B5 two segments", edited(func(s string) string { return s[:strings.LastIndex(s, ".")] }), kinde.MalformedToken},
		{"B5 four segments", edited(func(s string) string { return s + ".abcd" }), kinde.MalformedToken},
		{"B5 five segments", func(*world) request { return bearer("a.b.c.d.e") }, kinde.MalformedToken},
		{"B6 two dots alone", func(*world) request { return bearer("..") }, kinde.MalformedToken},
		{"B6 an empty header", part(0, func(string) string { return "" }), kinde.MalformedToken},
		{"B6 an empty payload", part(1, func(string) string { return "" }), kinde.MalformedToken},
		{"B6 an empty signature", part(2, func(string) string { return "" }), kinde.MalformedToken},
		{"B5 a dot at the end", edited(func(s string) string { return s + "." }), kinde.MalformedToken},
		{"B7 a padded signature", part(2, func(s string) string { return s + "==" }), kinde.MalformedToken},
		{"B7 a padded header", part(0, func(s string) string { return s + "=" }), kinde.MalformedToken},
		{"B7 a padded payload", part(1, func(s string) string { return s + "=" }), kinde.MalformedToken},
		{"B8 + and / in the signature", part(2, func(s string) string { return "+/" + s[2:] }), kinde.MalformedToken},
		{"B9 an unused bit set in the last character of the signature", part(2, trailingBits), kinde.MalformedToken},
		{
			"B10 a space inside the payload",
			part(1, func(s string) string { return s[:4] + " " + s[4:] }),
			authz.MalformedAuthorization,
		},
		{
			"B10 a line feed inside the payload",
			part(1, func(s string) string { return s[:4] + "\n" + s[4:] }),
			kinde.MalformedToken,
		},
		{
			"B10 a carriage return inside the signature",
			part(2, func(s string) string { return s[:4] + "\r" + s[4:] }),
			kinde.MalformedToken,
		},
		{
			"B10 a tab inside the payload",
			part(1, func(s string) string { return s[:4] + "\t" + s[4:] }),
			authz.MalformedAuthorization,
		},
		{
			"B11 dots written as %2e",
			edited(func(s string) string { return strings.ReplaceAll(s, ".", "%2e") }),
			kinde.MalformedToken,
		},
		{"B11 a tilde behind the header", part(0, func(s string) string { return s + "~" }), kinde.MalformedToken},
		{
			"B12 a second object behind the header",
			withHeaderText(`{"alg":"RS256","kid":"KID"} {"alg":"none"}`),
			kinde.MalformedToken,
		},
		{"B13 a header of 8 KiB", withHeader(map[string]any{"x": strings.Repeat("x", 8<<10)}), kinde.MalformedToken},
		{"B13 a payload of 60 KiB", added(`"x":"` + strings.Repeat("x", 60<<10) + `"`), kinde.MalformedToken},
		{"B14 one byte", func(*world) request { return bearer(".") }, kinde.MalformedToken},
		{"B14 200 KiB of dots", func(*world) request { return bearer(strings.Repeat(".", 200<<10)) }, kinde.MalformedToken},
		{"B15 JSON with 140 signatures", jsonSerialized("many"), authz.MalformedAuthorization},
		{
			"B15 a header of 5,000 members",
			withHeaderText(`{` + members(5000) + `"alg":"RS256","kid":"KID"}`),
			kinde.MalformedToken,
		},
		{"B16 an API key", func(*world) request { return bearer("k_live_0123456789abcdef") }, kinde.MalformedToken},
		{"B16 a refresh token", func(*world) request { return bearer(strings.Repeat("a1B2", 12)) }, kinde.MalformedToken},
	})
}

func TestAttackOnlyRS256IsAccepted(t *testing.T) {
	pss := func(w *world, input string) string {
		signature, err := rsa.SignPSS(zeros{}, w.strict.PrivateKey(), crypto.SHA256, sha256Of(input), nil)
		if err != nil {
			panic(err)
		}
		return string(signature)
	}
	rows := []row{
		{"C1 none, without a signature", resigned("none", fixed("")), kinde.MalformedToken},
		{"C2 none, over a valid signature", resigned("none", rs256), kinde.UnsupportedAlgorithm},
		{"C4 HS256 with an empty secret", resigned("HS256", hmacWith(sha256.New, noKey)), kinde.UnsupportedAlgorithm},
		{
			"C4 HS256 with the public key as secret",
			resigned("HS256", hmacWith(sha256.New, publicKey)),
			kinde.UnsupportedAlgorithm,
		},
		{
			"C4 HS384 with the public key as secret",
			resigned("HS384", hmacWith(sha512.New384, publicKey)),
			kinde.UnsupportedAlgorithm,
		},
		{
			"C4 HS512 with the public key as secret",
			resigned("HS512", hmacWith(sha512.New, publicKey)),
			kinde.UnsupportedAlgorithm,
		},
		{"C5 PS256 by the right key", resigned("PS256", pss), kinde.UnsupportedAlgorithm},
		{"C6 a PS256 signature called RS256", resigned("RS256", pss), kinde.BadSignature},
		{"C6 a SHA-1 signature called RS256", resigned("RS256", pkcs1(crypto.SHA1, sha1Of)), kinde.BadSignature},
		{
			"C7 ES256 with a signature of zeros",
			resigned("ES256", fixed(strings.Repeat("\x00", 64))),
			kinde.UnsupportedAlgorithm,
		},
		{"C8 no alg", withHeader(map[string]any{"alg": nil}), kinde.UnsupportedAlgorithm},
		{"C8 alg is null", withHeaderText(`{"alg":null,"kid":"KID"}`), kinde.UnsupportedAlgorithm},
		{"C8 alg is a number", withHeader(map[string]any{"alg": 256}), kinde.UnsupportedAlgorithm},
		{"C8 alg is a list", withHeader(map[string]any{"alg": []string{"RS256"}}), kinde.UnsupportedAlgorithm},
		{"C8 alg is an object", withHeader(map[string]any{"alg": map[string]any{"RS256": 1}}), kinde.UnsupportedAlgorithm},
		{"C9 alg twice, none first", withHeaderText(`{"alg":"none","alg":"RS256","kid":"KID"}`), kinde.MalformedToken},
		{"C9 alg twice, none last", withHeaderText(`{"alg":"RS256","alg":"none","kid":"KID"}`), kinde.MalformedToken},
		{"C10 Alg beside alg", withHeaderText(`{"alg":"RS256","Alg":"none","kid":"KID"}`), ""},
		{"C10 Alg instead of alg", withHeaderText(`{"Alg":"RS256","kid":"KID"}`), kinde.UnsupportedAlgorithm},
		{"C11 RS256 with an escaped letter", withHeaderText(`{"alg":"\u0052S256","kid":"KID"}`), ""},
	}
	for _, alg := range []string{"None", "NONE", "nOnE", " none", "rs256", "RS256 "} {
		rows = append(rows, row{fmt.Sprintf("C3 alg %q", alg), resigned(alg, rs256), kinde.UnsupportedAlgorithm})
	}
	for _, alg := range []string{"RS384", "RS512", "EdDSA", "ES256K", "RSA-OAEP", "dir", "A128KW"} {
		rows = append(rows, row{"C12 alg " + alg, resigned(alg, rs256), kinde.UnsupportedAlgorithm})
	}
	attack(t, newWorld(t), rows)
}

func TestAttackTheKeyIDNamesOneKey(t *testing.T) {
	w := newWorld(t)
	attack(t, w, []row{
		{"D1 no kid", withHeader(map[string]any{"kid": nil}), kinde.MalformedToken},
		{"D1 kid is empty", withHeader(map[string]any{"kid": ""}), kinde.MalformedToken},
		{"D1 kid is null", withHeaderText(`{"alg":"RS256","kid":null}`), kinde.MalformedToken},
		{"D1 kid is a number", withHeader(map[string]any{"kid": 1}), kinde.MalformedToken},
		{"D2 an unknown key ID", withHeader(map[string]any{"kid": "aa:bb"}), kinde.UnknownKey},
		{"D3 the key ID of another issuer", withHeader(map[string]any{"kid": w.open.KeyID()}), kinde.UnknownKey},
		{"D4 kid twice", withHeaderText(`{"alg":"RS256","kid":"zz","kid":"KID"}`), kinde.MalformedToken},
		{"D5 SQL in the key ID", withHeader(map[string]any{"kid": "' OR 1=1--"}), kinde.UnknownKey},
		{"D5 a NUL byte behind the key ID", withHeader(map[string]any{"kid": w.strict.KeyID() + "\x00"}), kinde.UnknownKey},
		{"D5 a line break behind the key ID", withHeader(map[string]any{"kid": w.strict.KeyID() + "\n"}), kinde.UnknownKey},
		{
			"D6 a URL as the key ID",
			withHeader(map[string]any{"kid": w.open.Issuer.URL + "/.well-known/jwks"}),
			kinde.UnknownKey,
		},
		{"D7 a key ID of 257 bytes", withHeader(map[string]any{"kid": strings.Repeat("k", 257)}), kinde.MalformedToken},
		{"D7 an unknown key ID of 256 bytes", withHeader(map[string]any{"kid": strings.Repeat("k", 256)}), kinde.UnknownKey},
		{"D7 a key ID of 40 KiB", withHeader(map[string]any{"kid": strings.Repeat("k", 40<<10)}), kinde.MalformedToken},
		{"D8 a key ID with colons, as Kinde's", func(w *world) request { return bearer(good(w)) }, ""},
		{"D9 signed by another key than the one that is named", resigned("RS256", func(_ *world, input string) string {
			signature, _ := rsa.SignPKCS1v15(nil, w.open.PrivateKey(), crypto.SHA256, sha256Of(input))
			return string(signature)
		}), kinde.BadSignature},
	})
	if n := w.strict.Fetches(); n > 2 {
		t.Errorf("%d fetches, want at most 2: the first, and one for all unknown keys", n)
	}
	if n := w.open.Fetches(); n != 1 {
		t.Errorf("%d fetches from the other issuer, want the first alone: no key ID leads there", n)
	}
}

func TestAttackHeaderMembersChooseNothing(t *testing.T) {
	trap := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("somebody asked the attacker for %s", r.URL)
	}))
	defer trap.Close()
	attack(t, newWorld(t), []row{
		{"E1 an embedded key, jwk", withHeader(map[string]any{"jwk": map[string]any{"kty": "RSA"}}), kinde.MalformedToken},
		{"E2 a URL of keys, jku", withHeader(map[string]any{"jku": trap.URL + "/jku"}), kinde.MalformedToken},
		{"E2 a URL of certificates, x5u", withHeader(map[string]any{"x5u": trap.URL + "/x5u"}), kinde.MalformedToken},
		{"E2 embedded certificates, x5c", withHeader(map[string]any{"x5c": []string{"MIIB"}}), kinde.MalformedToken},
		{
			"E2 a jku of a cloud's metadata service",
			withHeader(map[string]any{"jku": "http://169.254.169.254/"}),
			kinde.MalformedToken,
		},
		{"E3 crit names an unknown extension", withHeader(map[string]any{"crit": []string{"x"}}), kinde.MalformedToken},
		{"E3 crit is empty", withHeader(map[string]any{"crit": []string{}}), kinde.MalformedToken},
		{"E3 crit names alg", withHeader(map[string]any{"crit": []string{"alg"}}), kinde.MalformedToken},
		{"E3 crit is a string", withHeader(map[string]any{"crit": "exp"}), kinde.MalformedToken},
		{"E3 crit is null", withHeaderText(`{"alg":"RS256","kid":"KID","crit":null}`), kinde.MalformedToken},
		{
			"E4 b64 false, and named by crit",
			withHeader(map[string]any{"b64": false, "crit": []string{"b64"}}),
			kinde.MalformedToken,
		},
		{"E4 b64 true", withHeader(map[string]any{"b64": true}), kinde.MalformedToken},
		{"E5 typ dpop+jwt", withHeader(map[string]any{"typ": "dpop+jwt"}), kinde.NotAnAccessToken},
		{"E5 typ logout+jwt", withHeader(map[string]any{"typ": "logout+jwt"}), kinde.NotAnAccessToken},
		{
			"E5 typ secevent+jwt with its media type",
			withHeader(map[string]any{"typ": "application/secevent+jwt"}),
			kinde.NotAnAccessToken,
		},
		{"E5 typ entity-statement+jwt", withHeader(map[string]any{"typ": "entity-statement+jwt"}), kinde.NotAnAccessToken},
		{"E5 typ of a media type without a name", withHeader(map[string]any{"typ": "application/"}), kinde.NotAnAccessToken},
		{"E6 typ at+jwt", withHeader(map[string]any{"typ": "at+jwt"}), ""},
		{"E6 typ at+jwt with its media type, in another case", withHeader(map[string]any{"typ": "Application/AT+JWT"}), ""},
		{"E6 typ jwt", withHeader(map[string]any{"typ": "jwt"}), ""},
		{"E6 no typ", withHeader(map[string]any{"typ": nil}), ""},
		{"E7 typ is a number", withHeader(map[string]any{"typ": 1}), kinde.MalformedToken},
		{"E7 typ is null", withHeaderText(`{"alg":"RS256","kid":"KID","typ":null}`), kinde.MalformedToken},
		{"E7 typ is empty", withHeader(map[string]any{"typ": ""}), kinde.MalformedToken},
		{
			"E8 a token inside the token",
			withPayload(func(p string) string { return "eyJhbGciOiJub25lIn0." + encode(p) + ".AA" }),
			kinde.MalformedToken,
		},
		{"E8 cty says that a token is inside", withHeader(map[string]any{"cty": "JWT"}), kinde.MalformedToken},
		{"E9 zip", withHeader(map[string]any{"zip": "DEF"}), kinde.MalformedToken},
		{"E9 enc", withHeader(map[string]any{"enc": "A128GCM"}), kinde.MalformedToken},
		{
			"E10 a member nested 1,000 deep",
			withHeaderText(`{"alg":"RS256","kid":"KID","x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`),
			kinde.MalformedToken,
		},
		{"E11 the header is a list", withHeaderText(`["RS256"]`), kinde.MalformedToken},
		{"E11 the header is a string", withHeaderText(`"RS256"`), kinde.MalformedToken},
		{"E11 the header is null", withHeaderText(`null`), kinde.MalformedToken},
		{
			"E11 a byte order mark before the header",
			withHeaderText("\ufeff" + `{"alg":"RS256","kid":"KID"}`),
			kinde.MalformedToken,
		},
		{
			"E12 a byte that is not UTF-8",
			withHeaderText(`{"alg":"RS256","kid":"KID","x":"` + "\xff" + `"}`),
			kinde.MalformedToken,
		},
		{"E13 members that nobody knows", withHeader(map[string]any{"x": 1, "kind": "x"}), ""},
	})
}

func TestAttackForgedSignaturesAreRefused(t *testing.T) {
	flip := func(at int) func(string) string {
		return func(segment string) string {
			raw, _ := base64.RawURLEncoding.DecodeString(segment)
			raw[(at+len(raw))%len(raw)] ^= 1
			return encode(string(raw))
		}
	}
	number := func(value func(n *big.Int) *big.Int) func(*world, string) string {
		return func(w *world, _ string) string {
			return string(value(new(big.Int).Set(w.strict.PrivateKey().N)).FillBytes(make([]byte, 256)))
		}
	}
	attack(t, newWorld(t), []row{
		{"F1 the first byte changed", part(2, flip(0)), kinde.BadSignature},
		{"F1 a byte in the middle changed", part(2, flip(128)), kinde.BadSignature},
		{"F1 the last byte changed", part(2, flip(-1)), kinde.BadSignature},
		{"F1 the signature of another token", func(w *world) request {
			other := good(w)
			return edited(func(s string) string {
				return s[:strings.LastIndex(s, ".")] + other[strings.LastIndex(other, "."):]
			})(w)
		}, kinde.BadSignature},
		{"F2 another payload", part(1, func(string) string { return "" + encode(`{}`) }), kinde.WrongIssuer},
		{"F2 one claim changed", func(w *world) request {
			return edited(func(s string) string {
				parts := strings.Split(s, ".")
				parts[1] = encode(marshal(w.strict.UserClaims().With("sub", "kp_admin")))
				return strings.Join(parts, ".")
			})(w)
		}, kinde.BadSignature},
		{
			"F3 a signature of 255 bytes",
			resigned("RS256", func(w *world, s string) string { return rs256(w, s)[:255] }),
			kinde.BadSignature,
		},
		{
			"F3 a signature of 257 bytes, with a leading zero",
			resigned("RS256", func(w *world, s string) string { return "\x00" + rs256(w, s) }),
			kinde.BadSignature,
		},
		{
			"F3 a signature of 512 bytes",
			resigned("RS256", func(w *world, s string) string { return rs256(w, s) + rs256(w, s) }),
			kinde.BadSignature,
		},
		{
			"F4 the number 0 as signature",
			resigned("RS256", number(func(*big.Int) *big.Int { return new(big.Int) })),
			kinde.BadSignature,
		},
		{
			"F4 the number 1 as signature",
			resigned("RS256", number(func(*big.Int) *big.Int { return big.NewInt(1) })),
			kinde.BadSignature,
		},
		{
			"F4 the modulus less one as signature",
			resigned("RS256", number(func(n *big.Int) *big.Int { return n.Sub(n, big.NewInt(1)) })),
			kinde.BadSignature,
		},
		{
			"F4 the modulus as signature",
			resigned("RS256", number(func(n *big.Int) *big.Int { return n })),
			kinde.BadSignature,
		},
		{"F5 a SHA-512 signature called RS256", resigned("RS256", pkcs1(crypto.SHA512, sha512Of)), kinde.BadSignature},
		{
			"F6 a signature over the padded token",
			resigned("RS256", func(w *world, s string) string { return rs256(w, s+"=") }),
			kinde.BadSignature,
		},
	})
}

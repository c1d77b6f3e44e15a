package extauthz_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

func encode(b string) string { return base64.RawURLEncoding.EncodeToString([]byte(b)) }

func marshal(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func good(w *world) string { return w.strict.Sign(w.strict.UserClaims()) }

// edited sends a good token that was changed as text.
func edited(change func(token string) string) func(*world) []header {
	return func(w *world) []header { return bearer(change(good(w))) }
}

// part changes one of the three segments of a good token.
func part(n int, change func(string) string) func(*world) []header {
	return edited(func(token string) string {
		parts := strings.Split(token, ".")
		parts[n] = change(parts[n])
		return strings.Join(parts, ".")
	})
}

// withHeader sends a token, correctly signed, with members of the header
// changed; nil removes one.
func withHeader(members map[string]any) func(*world) []header {
	return func(w *world) []header {
		h := w.strict.Header()
		for name, value := range members {
			h[name] = value
			if value == nil {
				delete(h, name)
			}
		}
		return bearer(w.strict.SignAs(h, w.strict.UserClaims()))
	}
}

// withHeaderText sends a token, correctly signed, with this text as header; KID
// stands for the key's ID.
func withHeaderText(text string) func(*world) []header {
	return func(w *world) []header {
		return bearer(w.strict.SignText(strings.ReplaceAll(text, "KID", w.strict.KeyID()), marshal(w.strict.UserClaims())))
	}
}

// withPayload sends a token, correctly signed, with a changed payload text.
func withPayload(change func(payload string) string) func(*world) []header {
	return func(w *world) []header {
		return bearer(w.strict.SignText(marshal(w.strict.Header()), change(marshal(w.strict.UserClaims()))))
	}
}

// added appends members to the payload.
func added(members string) func(*world) []header {
	return withPayload(func(p string) string { return p[:len(p)-1] + "," + members + "}" })
}

func payload(text string) func(*world) []header {
	return withPayload(func(string) string { return text })
}

// jsonSerialised puts a signed donor into a JSON serialisation of an
// attacker's. Commas are encoded away, so that the shape alone is judged.
func jsonSerialised(form string) func(*world) []header {
	return func(w *world) []header {
		parts := strings.Split(w.strict.Sign(w.strict.WebhookClaims()), ".")
		members := w.strict.UserClaims().With("payload", parts[1])
		switch form {
		case "flattened":
			members = members.With("protected", parts[0]).With("signature", parts[2])
		case "general":
			members = members.With("signatures", []any{map[string]any{"protected": parts[0], "signature": parts[2]}})
		case "unprotected":
			members = members.With("signatures", []any{map[string]any{"header": map[string]any{"alg": "none"}, "signature": ""}})
		case "many":
			members = members.With("signatures", make([]any, 140))
		}
		return bearer(marshal(members))
	}
}

func TestAttackShape(t *testing.T) {
	attack(t, newWorld(t), []row{
		{"B1 flattened JSON serialisation", jsonSerialised("flattened"), authz.MalformedAuthorization},
		{"B1 flattened, one member", func(*world) []header { return bearer(`{"payload":"e30"}`) }, kinde.MalformedToken},
		{"B2 general JSON serialisation", jsonSerialised("general"), authz.MalformedAuthorization},
		{"B5 unprotected alg none", jsonSerialised("unprotected"), authz.MalformedAuthorization},
		{"B6 plain claims", func(w *world) []header { return bearer(marshal(w.strict.UserClaims())) }, authz.MalformedAuthorization},
		{"B7 one segment", func(*world) []header { return bearer("abc") }, kinde.MalformedToken},
		{"B7 two segments", edited(func(s string) string { return s[:strings.LastIndex(s, ".")] }), kinde.MalformedToken},
		{"B7 four segments", edited(func(s string) string { return s + ".abcd" }), kinde.MalformedToken},
		{"B7 five segments", func(*world) []header { return bearer("a.b.c.d.e") }, kinde.MalformedToken},
		{"B7 dots alone", func(*world) []header { return bearer("..") }, kinde.MalformedToken},
		{"B7 empty header", part(0, func(string) string { return "" }), kinde.MalformedToken},
		{"B7 empty payload", part(1, func(string) string { return "" }), kinde.MalformedToken},
		{"B7 empty signature", part(2, func(string) string { return "" }), kinde.MalformedToken},
		{"B7 trailing dot", edited(func(s string) string { return s + "." }), kinde.MalformedToken},
		{"B9 padded signature", part(2, func(s string) string { return s + "==" }), kinde.MalformedToken},
		{"B9 padded header", part(0, func(s string) string { return s + "=" }), kinde.MalformedToken},
		{"B9 padded payload", part(1, func(s string) string { return s + "=" }), kinde.MalformedToken},
		{"B10 alphabet", part(2, func(s string) string { return "+/" + s[2:] }), kinde.MalformedToken},
		{"B11 trailing bits of the signature", part(2, trailingBits), kinde.MalformedToken},
		{"B13 blank inside", part(1, func(s string) string { return s[:4] + " " + s[4:] }), authz.MalformedAuthorization},
		{"B13 line break inside", part(1, func(s string) string { return s[:4] + "\n" + s[4:] }), kinde.MalformedToken},
		{"B13 carriage return inside", part(2, func(s string) string { return s[:4] + "\r" + s[4:] }), kinde.MalformedToken},
		{"B13 tab inside", part(1, func(s string) string { return s[:4] + "\t" + s[4:] }), authz.MalformedAuthorization},
		{"B14 percent escape", edited(func(s string) string { return strings.ReplaceAll(s, ".", "%2e") }), kinde.MalformedToken},
		{"B14 tilde", part(0, func(s string) string { return s + "~" }), kinde.MalformedToken},
		{"B15 garbage behind the header", withHeaderText(`{"alg":"RS256","kid":"KID"} {"alg":"none"}`), kinde.MalformedToken},
		{"B17 long header", withHeader(map[string]any{"x": strings.Repeat("x", 8<<10)}), kinde.MalformedToken},
		{"B17 long payload", added(`"x":"` + strings.Repeat("x", 60<<10) + `"`), kinde.MalformedToken},
		{"B18 one byte", func(*world) []header { return bearer(".") }, kinde.MalformedToken},
		{"B18 a lot of dots", func(*world) []header { return bearer(strings.Repeat(".", 200<<10)) }, kinde.MalformedToken},
		{"R9 many signatures", jsonSerialised("many"), authz.MalformedAuthorization},
		{"R10 long header of many members", withHeaderText(`{` + members(5000) + `"alg":"RS256","kid":"KID"}`), kinde.MalformedToken},
		{"M6 API key", func(*world) []header { return bearer("k_live_0123456789abcdef") }, kinde.MalformedToken},
		{"M6 refresh token", func(*world) []header { return bearer(strings.Repeat("a1B2", 12)) }, kinde.MalformedToken},
	})
}

func members(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, `"m%d":1,`, i)
	}
	return out.String()
}

// trailingBits sets a bit of the last character that stands for nothing.
func trailingBits(segment string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	at := strings.IndexByte(alphabet, segment[len(segment)-1])
	return segment[:len(segment)-1] + string(alphabet[at|1])
}

// resigned sends a token with this alg whose signature sign makes.
func resigned(alg any, sign func(w *world, input string) string) func(*world) []header {
	return func(w *world) []header {
		h := w.strict.Header()
		h["alg"] = alg
		input := encode(marshal(h)) + "." + encode(marshal(w.strict.UserClaims()))
		return bearer(input + "." + encode(sign(w, input)))
	}
}

func hmacWith(h func() hash.Hash, secret func(*world) []byte) func(*world, string) string {
	return func(w *world, input string) string {
		mac := hmac.New(h, secret(w))
		mac.Write([]byte(input))
		return string(mac.Sum(nil))
	}
}

func pkcs1(h crypto.Hash, digest func(string) []byte) func(*world, string) string {
	return func(w *world, input string) string {
		signature, err := rsa.SignPKCS1v15(nil, w.strict.PrivateKey(), h, digest(input))
		if err != nil {
			panic(err)
		}
		return string(signature)
	}
}

func sha256Of(s string) []byte { d := sha256.Sum256([]byte(s)); return d[:] }
func sha512Of(s string) []byte { d := sha512.Sum512([]byte(s)); return d[:] }
func sha1Of(s string) []byte   { d := sha1.Sum([]byte(s)); return d[:] }

func noKey(*world) []byte                        { return nil }
func publicKey(w *world) []byte                  { return w.strict.PrivateKey().N.Bytes() }
func fixed(s string) func(*world, string) string { return func(*world, string) string { return s } }

var rs256 = pkcs1(crypto.SHA256, sha256Of)

func TestAttackAlgorithm(t *testing.T) {
	pss := func(w *world, input string) string {
		signature, err := rsa.SignPSS(zeros{}, w.strict.PrivateKey(), crypto.SHA256, sha256Of(input), nil)
		if err != nil {
			panic(err)
		}
		return string(signature)
	}
	rows := []row{
		{"C1 none, empty signature", resigned("none", fixed("")), kinde.MalformedToken},
		{"C3 none, valid signature", resigned("none", rs256), kinde.UnsupportedAlgorithm},
		{"C5 HS256, empty secret", resigned("HS256", hmacWith(sha256.New, noKey)), kinde.UnsupportedAlgorithm},
		{"C5 HS256, public key as secret", resigned("HS256", hmacWith(sha256.New, publicKey)), kinde.UnsupportedAlgorithm},
		{"C6 HS384", resigned("HS384", hmacWith(sha512.New384, publicKey)), kinde.UnsupportedAlgorithm},
		{"C6 HS512", resigned("HS512", hmacWith(sha512.New, publicKey)), kinde.UnsupportedAlgorithm},
		{"C7 PS256", resigned("PS256", pss), kinde.UnsupportedAlgorithm},
		{"C7 PS256 called RS256", resigned("RS256", pss), kinde.BadSignature},
		{"C9 SHA-1 called RS256", resigned("RS256", pkcs1(crypto.SHA1, sha1Of)), kinde.BadSignature},
		{"C10 ES256 of zeros", resigned("ES256", fixed(strings.Repeat("\x00", 64))), kinde.UnsupportedAlgorithm},
		{"C13 missing", withHeader(map[string]any{"alg": nil}), kinde.UnsupportedAlgorithm},
		{"C14 null", withHeaderText(`{"alg":null,"kid":"KID"}`), kinde.UnsupportedAlgorithm},
		{"C14 number", withHeader(map[string]any{"alg": 256}), kinde.UnsupportedAlgorithm},
		{"C14 list", withHeader(map[string]any{"alg": []string{"RS256"}}), kinde.UnsupportedAlgorithm},
		{"C14 object", withHeader(map[string]any{"alg": map[string]any{"RS256": 1}}), kinde.UnsupportedAlgorithm},
		{"C15 twice, none first", withHeaderText(`{"alg":"none","alg":"RS256","kid":"KID"}`), kinde.MalformedToken},
		{"C15 twice, none last", withHeaderText(`{"alg":"RS256","alg":"none","kid":"KID"}`), kinde.MalformedToken},
		{"C15 another spelling beside it", withHeaderText(`{"alg":"RS256","Alg":"none","kid":"KID"}`), ""},
		{"C15 another spelling alone", withHeaderText(`{"Alg":"RS256","kid":"KID"}`), kinde.UnsupportedAlgorithm},
		{"C17 escaped", withHeaderText(`{"alg":"\u0052S256","kid":"KID"}`), ""},
	}
	for _, alg := range []string{"None", "NONE", "nOnE", " none", "rs256", "RS256 ", "RS384", "RS512"} {
		rows = append(rows, row{"C2 " + alg, resigned(alg, rs256), kinde.UnsupportedAlgorithm})
	}
	for _, alg := range []string{"EdDSA", "ES256K", "RSA-OAEP", "dir", "A128KW"} {
		rows = append(rows, row{"C11 C18 " + alg, resigned(alg, rs256), kinde.UnsupportedAlgorithm})
	}
	attack(t, newWorld(t), rows)
}

// zeros is a source of no randomness.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestAttackKeyID(t *testing.T) {
	w := newWorld(t)
	attack(t, w, []row{
		{"D1 missing", withHeader(map[string]any{"kid": nil}), kinde.MalformedToken},
		{"D3 empty", withHeader(map[string]any{"kid": ""}), kinde.MalformedToken},
		{"D3 null", withHeaderText(`{"alg":"RS256","kid":null}`), kinde.MalformedToken},
		{"D3 number", withHeader(map[string]any{"kid": 1}), kinde.MalformedToken},
		{"D5 unknown", withHeader(map[string]any{"kid": "aa:bb"}), kinde.UnknownKey},
		{"D6 of another issuer", withHeader(map[string]any{"kid": w.open.KeyID()}), kinde.UnknownKey},
		{"D7 twice", withHeaderText(`{"alg":"RS256","kid":"zz","kid":"KID"}`), kinde.MalformedToken},
		{"D9 SQL", withHeader(map[string]any{"kid": "' OR 1=1--"}), kinde.UnknownKey},
		{"D9 NUL", withHeader(map[string]any{"kid": w.strict.KeyID() + "\x00"}), kinde.UnknownKey},
		{"D9 line break", withHeader(map[string]any{"kid": w.strict.KeyID() + "\n"}), kinde.UnknownKey},
		{"D10 URL", withHeader(map[string]any{"kid": w.open.Issuer.URL + "/.well-known/jwks"}), kinde.UnknownKey},
		{"D11 257 bytes", withHeader(map[string]any{"kid": strings.Repeat("k", 257)}), kinde.MalformedToken},
		{"D11 256 bytes", withHeader(map[string]any{"kid": strings.Repeat("k", 256)}), kinde.UnknownKey},
		{"D11 40 KiB", withHeader(map[string]any{"kid": strings.Repeat("k", 40<<10)}), kinde.MalformedToken},
		{"D13 with colons", func(w *world) []header { return bearer(good(w)) }, ""},
		{"D15 R1 of another key", resigned("RS256", func(_ *world, input string) string {
			signature, _ := rsa.SignPKCS1v15(nil, w.open.PrivateKey(), crypto.SHA256, sha256Of(input))
			return string(signature)
		}), kinde.BadSignature},
	})
	if n := w.strict.Fetches(); n > 2 {
		t.Errorf("%d fetches, want at most 2: the first, and one for all unknown keys", n)
	}
}

func TestAttackHeaderMembers(t *testing.T) {
	visited := make(chan string, 100)
	trap := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { visited <- r.URL.Path }))
	defer trap.Close()
	attack(t, newWorld(t), []row{
		{"E1 E2 embedded key", withHeader(map[string]any{"jwk": map[string]any{"kty": "RSA"}}), kinde.MalformedToken},
		{"E3 jku", withHeader(map[string]any{"jku": trap.URL + "/jku"}), kinde.MalformedToken},
		{"E3 x5u", withHeader(map[string]any{"x5u": trap.URL + "/x5u"}), kinde.MalformedToken},
		{"E3 x5c", withHeader(map[string]any{"x5c": []string{"MIIB"}}), kinde.MalformedToken},
		{"E3 jku of metadata services", withHeader(map[string]any{"jku": "http://169.254.169.254/"}), kinde.MalformedToken},
		{"E5 crit unknown", withHeader(map[string]any{"crit": []string{"x"}}), kinde.MalformedToken},
		{"E6 crit empty", withHeader(map[string]any{"crit": []string{}}), kinde.MalformedToken},
		{"E6 crit alg", withHeader(map[string]any{"crit": []string{"alg"}}), kinde.MalformedToken},
		{"E6 crit string", withHeader(map[string]any{"crit": "exp"}), kinde.MalformedToken},
		{"E6 crit null", withHeaderText(`{"alg":"RS256","kid":"KID","crit":null}`), kinde.MalformedToken},
		{"E7 b64", withHeader(map[string]any{"b64": false, "crit": []string{"b64"}}), kinde.MalformedToken},
		{"E7 b64 true", withHeader(map[string]any{"b64": true}), kinde.MalformedToken},
		{"E9 dpop", withHeader(map[string]any{"typ": "dpop+jwt"}), kinde.NotAnAccessToken},
		{"E9 logout", withHeader(map[string]any{"typ": "logout+jwt"}), kinde.NotAnAccessToken},
		{"E9 secevent", withHeader(map[string]any{"typ": "application/secevent+jwt"}), kinde.NotAnAccessToken},
		{"E9 entity statement", withHeader(map[string]any{"typ": "entity-statement+jwt"}), kinde.NotAnAccessToken},
		{"E9 bare application", withHeader(map[string]any{"typ": "application/"}), kinde.NotAnAccessToken},
		{"E10 at+jwt", withHeader(map[string]any{"typ": "at+jwt"}), ""},
		{"E10 any case", withHeader(map[string]any{"typ": "Application/AT+JWT"}), ""},
		{"E10 jwt", withHeader(map[string]any{"typ": "jwt"}), ""},
		{"E10 absent", withHeader(map[string]any{"typ": nil}), ""},
		{"E11 number", withHeader(map[string]any{"typ": 1}), kinde.MalformedToken},
		{"E11 null", withHeaderText(`{"alg":"RS256","kid":"KID","typ":null}`), kinde.MalformedToken},
		{"E11 empty", withHeader(map[string]any{"typ": ""}), kinde.MalformedToken},
		{"E13 nested token", withPayload(func(p string) string { return "eyJhbGciOiJub25lIn0." + encode(p) + ".AA" }), kinde.MalformedToken},
		{"E13 cty", withHeader(map[string]any{"cty": "JWT"}), kinde.MalformedToken},
		{"E15 zip", withHeader(map[string]any{"zip": "DEF"}), kinde.MalformedToken},
		{"E15 enc", withHeader(map[string]any{"enc": "A128GCM"}), kinde.MalformedToken},
		{"E17 deep header", withHeaderText(`{"alg":"RS256","kid":"KID","x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`), kinde.MalformedToken},
		{"E18 list", withHeaderText(`["RS256"]`), kinde.MalformedToken},
		{"E18 string", withHeaderText(`"RS256"`), kinde.MalformedToken},
		{"E18 null", withHeaderText(`null`), kinde.MalformedToken},
		{"E18 byte order mark", withHeaderText("\ufeff" + `{"alg":"RS256","kid":"KID"}`), kinde.MalformedToken},
		{"E19 invalid UTF-8", withHeaderText(`{"alg":"RS256","kid":"KID","x":"` + "\xff" + `"}`), kinde.MalformedToken},
		{"E19 other members are ignored", withHeader(map[string]any{"x": 1, "kind": "x"}), ""},
	})
	select {
	case path := <-visited:
		t.Errorf("somebody asked the attacker for %s", path)
	default:
	}
}

func TestAttackSignature(t *testing.T) {
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
		{"F1 first byte", part(2, flip(0)), kinde.BadSignature},
		{"F1 middle byte", part(2, flip(128)), kinde.BadSignature},
		{"F1 last byte", part(2, flip(-1)), kinde.BadSignature},
		{"F1 of another token", func(w *world) []header {
			other := good(w)
			return edited(func(s string) string { return s[:strings.LastIndex(s, ".")] + other[strings.LastIndex(other, "."):] })(w)
		}, kinde.BadSignature},
		{"F2 changed payload", part(1, func(string) string { return "" + encode(`{}`) }), kinde.WrongIssuer},
		{"F2 changed claim", func(w *world) []header {
			return edited(func(s string) string {
				parts := strings.Split(s, ".")
				parts[1] = encode(marshal(w.strict.UserClaims().With("sub", "kp_admin")))
				return strings.Join(parts, ".")
			})(w)
		}, kinde.BadSignature},
		{"F3 255 bytes", resigned("RS256", func(w *world, s string) string { return rs256(w, s)[:255] }), kinde.BadSignature},
		{"F3 257 bytes", resigned("RS256", func(w *world, s string) string { return "\x00" + rs256(w, s) }), kinde.BadSignature},
		{"F3 512 bytes", resigned("RS256", func(w *world, s string) string { return rs256(w, s) + rs256(w, s) }), kinde.BadSignature},
		{"F5 0", resigned("RS256", number(func(*big.Int) *big.Int { return new(big.Int) })), kinde.BadSignature},
		{"F5 1", resigned("RS256", number(func(*big.Int) *big.Int { return big.NewInt(1) })), kinde.BadSignature},
		{"F5 n-1", resigned("RS256", number(func(n *big.Int) *big.Int { return n.Sub(n, big.NewInt(1)) })), kinde.BadSignature},
		{"F5 n", resigned("RS256", number(func(n *big.Int) *big.Int { return n })), kinde.BadSignature},
		{"F6 SHA-512", resigned("RS256", pkcs1(crypto.SHA512, sha512Of)), kinde.BadSignature},
		{"F7 over padded input", resigned("RS256", func(w *world, s string) string { return rs256(w, s+"=") }), kinde.BadSignature},
	})
}

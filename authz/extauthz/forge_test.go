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
	"strings"
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
func edited(change func(token string) string) sending {
	return func(w *world) request { return bearer(change(good(w))) }
}

// part changes one of the three segments of a good token.
func part(n int, change func(string) string) sending {
	return edited(func(token string) string {
		parts := strings.Split(token, ".")
		parts[n] = change(parts[n])
		return strings.Join(parts, ".")
	})
}

// withHeader sends a token, correctly signed, with members of the header
// changed; nil removes one.
func withHeader(members map[string]any) sending {
	return func(w *world) request {
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
func withHeaderText(text string) sending {
	return func(w *world) request {
		return bearer(w.strict.SignText(strings.ReplaceAll(text, "KID", w.strict.KeyID()), marshal(w.strict.UserClaims())))
	}
}

// withPayload sends a token, correctly signed, with a changed payload text.
func withPayload(change func(payload string) string) sending {
	return func(w *world) request {
		return bearer(w.strict.SignText(marshal(w.strict.Header()), change(marshal(w.strict.UserClaims()))))
	}
}

// added appends members to the payload.
func added(members string) sending {
	return withPayload(func(p string) string { return p[:len(p)-1] + "," + members + "}" })
}

func payload(text string) sending {
	return withPayload(func(string) string { return text })
}

// jsonSerialized puts a signed donor into a JSON serialisation of an
// attacker's. Commas are encoded away, so that the shape alone is judged.
func jsonSerialized(form string) sending {
	return func(w *world) request {
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
func resigned(alg any, sign func(w *world, input string) string) sending {
	return func(w *world) request {
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

func sha1Of(s string) []byte { d := sha1.Sum([]byte(s)); return d[:] }

func noKey(*world) []byte { return nil }

func publicKey(w *world) []byte { return w.strict.PrivateKey().N.Bytes() }

func fixed(s string) func(*world, string) string { return func(*world, string) string { return s } }

var rs256 = pkcs1(crypto.SHA256, sha256Of)

// zeros is a source of no randomness.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

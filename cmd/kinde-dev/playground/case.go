package playground

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// testCase is the request as a file for kinde-authz test, with what came of it as what is
// wanted, or why there can be none.
func (p *Playground) testCase(in *request, out *result, token string) (text, why string) {
	if out.Reason == "" || out.Reason == "keys_unavailable" {
		return "", "kinde-authz test has neither Envoy nor keys that can be away."
	}
	sent := map[string]any{"method": in.Method, "path": in.Path}
	if in.Body != "" {
		sent["body"] = in.Body
	}
	headers, arrived, absent := map[string]string{}, map[string]string{}, []string{}
	for _, h := range in.Headers {
		name := strings.ToLower(h.Name)
		if name == "authorization" {
			return "", "kinde-authz test makes the Authorization header itself, of the token."
		}
		headers[name] = h.Value
		n := slices.IndexFunc(out.Upstream, func(got header) bool { return got.Name == name })
		switch {
		case n < 0:
			absent = append(absent, name)
		case strings.HasPrefix(name, "x-kinde-"):
			arrived[name] = out.Upstream[n].Value
		}
	}
	if len(headers) > 0 {
		sent["headers"] = headers
	}
	want := map[string]any{"reason": out.Reason}
	if out.Upstream != nil && len(absent) > 0 {
		want["absent"] = absent
	}
	if len(arrived) > 0 {
		want["headers"] = arrived
	}
	var file strings.Builder
	fmt.Fprintf(&file, "# Beside %s, for kinde-authz test.\nsettings: %s\ntests:\n", p.stack.Settings, filepath.Base(p.stack.Settings))
	fmt.Fprintf(&file, "  - name: %s\n    request: %s\n", flow(in.Method+" "+in.Path+" gets "+out.Reason), flow(sent))
	if in.Token != nil {
		claims := p.signedClaims(token)
		if claims == nil {
			return "", "kinde-authz test signs its tokens well: a token of this kind cannot be written as claims."
		}
		timed, at := caseClaims(claims, p.stack.Issuer)
		fmt.Fprintf(&file, "    token: %s\n", flow(timed))
		if at != "" {
			fmt.Fprintf(&file, "    at: %s\n", at)
		}
	}
	fmt.Fprintf(&file, "    want: %s\n", flow(want))
	return file.String(), ""
}

// flow is a value in YAML's flow style, which JSON is.
func flow(value any) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // of maps, lists and texts
	return strings.TrimSpace(text.String())
}

// signedClaims are the claims of a token that is well made, signed by the issuer's key, and
// nil for any other.
func (p *Playground) signedClaims(token string) kindetest.Claims {
	signed, signature := cutLast(token)
	header, payload, _ := strings.Cut(signed, ".")
	decode := base64.RawURLEncoding.DecodeString
	mark, err := decode(signature)
	digest := sha256.Sum256([]byte(signed))
	public := &p.stack.Issuer.PrivateKey().PublicKey
	if err != nil || rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], mark) != nil {
		return nil
	}
	var names map[string]any
	text, err := decode(header)
	if err != nil || json.Unmarshal(text, &names) != nil || !maps.Equal(names, p.stack.Issuer.Header()) {
		return nil
	}
	text, err = decode(payload)
	var claims kindetest.Claims
	numbers := json.NewDecoder(bytes.NewReader(text))
	numbers.UseNumber()
	if err != nil || numbers.Decode(&claims) != nil {
		return nil
	}
	if again, err := json.Marshal(claims); err != nil || string(again) != string(text) { // a claim stands there twice
		return nil
	}
	return claims
}

func cutLast(token string) (before, after string) {
	n := strings.LastIndexByte(token, '.')
	if n < 0 {
		return token, ""
	}
	return token[:n], token[n+1:]
}

// caseClaims are claims as a case has them, without those that are as in a good token of
// the issuer, and how long after iat the request was sent where times matter.
func caseClaims(claims kindetest.Claims, issuer *kindetest.Issuer) (kindetest.Claims, string) {
	out := claims.Without("jti", "iat", "exp", "nbf")
	if out["iss"] == issuer.URL {
		out = out.Without("iss")
	}
	for _, name := range []string{"iss", "aud", "azp", "exp", "iat", "jti", "org_code", "sub"} {
		if _, there := claims[name]; !there && (name != "sub" || claims["gty"] == nil) {
			out[name] = nil
		}
	}
	now := issuer.Now().Unix()
	iat, exp, nbf := number(claims["iat"]), number(claims["exp"]), number(claims["nbf"])
	if iat == 0 || exp == 0 || exp > now && nbf <= now {
		return out, ""
	}
	maps.Copy(out, kindetest.Claims{"iat": iat, "exp": exp})
	if nbf != 0 {
		out["nbf"] = nbf
	}
	return out, fmt.Sprintf("%ds", now-iat)
}

// number is a claim that is one, else 0.
func number(claim any) int64 {
	text, _ := claim.(json.Number)
	n, _ := text.Int64()
	return n
}

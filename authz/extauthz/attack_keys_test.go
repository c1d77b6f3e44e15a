package extauthz_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"go.uber.org/zap"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz"
	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// jwkOf is the key that signs, with members changed; nil removes one.
func jwkOf(issuer *kindetest.Server, changes map[string]any) map[string]any {
	key := map[string]any{
		"kty": "RSA", "kid": issuer.KeyID(), "use": "sig", "alg": "RS256", "e": "AQAB",
		"n": base64.RawURLEncoding.EncodeToString(issuer.PrivateKey().N.Bytes()),
	}
	maps.Copy(key, changes)
	maps.DeleteFunc(key, func(_ string, v any) bool { return v == nil })
	return key
}

func base64Of(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }

// The key that signs is published in a form that must not be used, beside one that
// may, and a token of it is sent.
func TestAttackUnsafePublishedKeysVerifyNothing(t *testing.T) {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	spare := kindetest.New(issuer.Issuer.URL)
	var spareKeys struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal([]byte(spare.JWKS()), &spareKeys); err != nil {
		t.Fatal(err)
	}
	one := big.NewInt(1)
	wrapped := new(big.Int).Add(new(big.Int).Lsh(one, 64), big.NewInt(65537))
	for name, test := range map[string]struct {
		changes map[string]any
		want    authz.Reason
	}{
		"R17 a key as Kinde publishes it": {nil, ""},
		"R3 a secret":                     {map[string]any{"kty": "oct", "k": "c2VjcmV0"}, kinde.UnknownKey},
		"R4 a private key":                {map[string]any{"d": "AQAB"}, kinde.UnknownKey},
		"R5 a key for encryption":         {map[string]any{"use": "enc"}, kinde.UnknownKey},
		"R5 a key to encrypt with":        {map[string]any{"key_ops": []string{"encrypt"}}, kinde.UnknownKey},
		"R5 a key to sign with":           {map[string]any{"key_ops": []string{"sign"}}, kinde.UnknownKey},
		"R6 no key ID":                    {map[string]any{"kid": nil}, kinde.UnknownKey},
		"R6 a number as key ID":           {map[string]any{"kid": 1}, kinde.UnknownKey},
		"R8 an elliptic curve key":        {map[string]any{"kty": "EC"}, kinde.UnknownKey},
		"R9 1024 bits": {
			map[string]any{"n": base64Of(new(big.Int).SetBit(new(big.Int).Lsh(one, 1023), 0, 1))},
			kinde.UnknownKey,
		},
		"R11 the exponent 1":                              {map[string]any{"e": "AQ"}, kinde.UnknownKey},
		"R11 the exponent 3":                              {map[string]any{"e": "Aw"}, kinde.UnknownKey},
		"R11 an exponent of 65 bits that ends like 65537": {map[string]any{"e": base64Of(wrapped)}, kinde.UnknownKey},
		"R12 an even modulus": {
			map[string]any{"n": base64Of(new(big.Int).Lsh(one, 2047))},
			kinde.UnknownKey,
		},
		"R12 a modulus with a leading zero": {
			map[string]any{"n": "AA" + base64Of(issuer.PrivateKey().N)},
			kinde.UnknownKey,
		},
		"R13 certificates beside the key": {map[string]any{"x5c": []string{"x"}, "x5u": "https://evil"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			issuer.Publish(marshal(map[string]any{"keys": []any{jwkOf(issuer, test.changes), spareKeys.Keys[0]}}))
			assertKeys(t, issuer, test.want)
		})
	}
	t.Run("R7 two keys of one ID", func(t *testing.T) {
		twin := jwkOf(issuer, map[string]any{"n": spareKeys.Keys[0]["n"]})
		issuer.Publish(marshal(map[string]any{"keys": []any{twin, jwkOf(issuer, nil), spareKeys.Keys[0]}}))
		assertKeys(t, issuer, kinde.UnknownKey)
	})
	t.Run("R3 HS256 with a published secret", func(t *testing.T) {
		issuer.Publish(marshal(map[string]any{
			"keys": []any{map[string]any{"kty": "oct", "kid": "s", "k": "c2VjcmV0"}, jwkOf(issuer, nil)},
		}))
		input := encode(`{"alg":"HS256","kid":"s"}`) + "." + encode(marshal(issuer.UserClaims()))
		mac := hmac.New(sha256.New, []byte("secret"))
		mac.Write([]byte(input))
		assertToken(t, issuer, input+"."+encode(string(mac.Sum(nil))), kinde.UnsupportedAlgorithm)
	})
}

// The service starts with a set that holds no usable key.
func TestAttackUnusableKeySetsAllowNothing(t *testing.T) {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	good := marshal(jwkOf(issuer, nil))
	nested := strings.Repeat("[", 9999) + strings.Repeat("]", 9999)
	many := make([]any, 10000)
	for i := range many {
		many[i] = map[string]any{"kty": "RSA", "kid": fmt.Sprint(i), "e": "AQAB", "n": strings.Repeat("A", 900)}
	}
	for name, set := range map[string]string{
		"R1 no key":                      `{"keys":[]}`,
		"R2 no keys member":              `{}`,
		"R2 null":                        `null`,
		"R2 a list":                      `[` + good + `]`,
		"R2 HTML":                        `<html>`,
		"R2 a key without a set":         good,
		"R2 PEM":                         `-----BEGIN PUBLIC KEY-----`,
		"R2 a set that is cut short":     `{"keys":[` + good,
		"R2 garbage behind the set":      `{"keys":[` + good + `]}x`,
		"R14 10,000 keys":                marshal(map[string]any{"keys": many}),
		"R15 a member nested 9,999 deep": `{"keys":[` + good + `],"x":` + nested + `}`,
		"R15 a repeated member":          `{"keys":[` + strings.Replace(good, `"e":`, `"e":"AQAB","e":`, 1) + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			issuer.Publish(set)
			assertKeys(t, issuer, kinde.KeysUnavailable)
		})
	}
}

// assertKeys starts a service with what the issuer publishes now and sends a
// token of the key that signs.
func assertKeys(t *testing.T, issuer *kindetest.Server, want authz.Reason) {
	t.Helper()
	assertToken(t, issuer, issuer.Sign(issuer.UserClaims()), want)
}

func assertToken(t *testing.T, issuer *kindetest.Server, token string, want authz.Reason) {
	t.Helper()
	config := kinde.Config{Issuers: []kinde.Issuer{{Domain: issuer.Issuer.URL}}}
	w := &world{client: serve(t, config, map[string]authz.Rules{issuer.Issuer.URL: {}})}
	row{"", func(*world) request { return bearer(token) }, want}.try(t, w)
}

func TestAttackClockChangesReviveNoToken(t *testing.T) {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	var offset atomic.Int64
	w := &world{client: serve(t, kinde.Config{
		Issuers: []kinde.Issuer{{Domain: issuer.Issuer.URL}}, Leeway: 30 * time.Second, MaxStale: 1000 * time.Hour,
		Now: func() time.Time { return time.Now().Add(time.Duration(offset.Load())) },
	}, map[string]authz.Rules{issuer.Issuer.URL: {}})}
	token := issuer.Sign(issuer.UserClaims())
	expired, err := issuer.Broken("expired")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		offset time.Duration
		token  string
		want   authz.Reason
	}{
		{"H17 the clock is right", 0, token, ""},
		{"H17 the clock is a day ahead", 24 * time.Hour, token, kinde.TokenExpired},
		{"H17 the clock is right again", 0, token, ""},
		{"H18 the clock is a day behind", -24 * time.Hour, token, kinde.TokenNotYetValid},
		{"H18 an expired token, the clock half an hour behind", -30 * time.Minute, expired, kinde.TokenExpired},
		{"H19 the clock is ten years behind", -10 * 365 * 24 * time.Hour, token, kinde.TokenNotYetValid},
	} {
		offset.Store(int64(test.offset))
		attack(t, w, []row{{test.name, func(*world) request { return bearer(test.token) }, test.want}})
	}
}

func TestAttackOtherCallsOnThePortAreRefused(t *testing.T) {
	authorizer, err := authz.NewAuthorizer(authz.Config{Verifier: verified{}, Encode: extauthz.Encode})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := extauthz.NewGRPC(extauthz.NewServer(authorizer, zap.NewNop(), nil))
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, method := range []string{
		"/envoy.service.auth.v2.Authorization/Check", "/envoy.service.auth.v3.Authorization/Other",
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
	} {
		t.Run("U5 "+method, func(t *testing.T) {
			err := conn.Invoke(t.Context(), method, &authv3.CheckRequest{}, &authv3.CheckResponse{})
			if status.Code(err) != codes.Unimplemented {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("U6 plain HTTP", func(t *testing.T) {
		plain, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close()
		fmt.Fprint(plain, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		response, err := authv3.NewAuthorizationClient(conn).Check(t.Context(), &authv3.CheckRequest{})
		if err != nil {
			t.Fatal(err)
		}
		assertRefused(t, "after it", response, authz.MissingToken)
	})
}

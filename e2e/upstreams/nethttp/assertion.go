package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// verifier verifies assertions by the keys at a URL.
type verifier struct {
	url, audience, issuer string

	mutex   sync.Mutex
	keys    jwk.Set
	fetched time.Time
}

// cooldown is how long keys that nobody publishes cause no other fetch.
const cooldown = time.Second

// verify returns the claims of an assertion that is good.
func (v *verifier) verify(ctx context.Context, assertion string) (*claims, error) {
	message, err := jws.Parse([]byte(assertion), jws.WithCompact())
	if err != nil {
		return nil, err
	}
	header := message.Signatures()[0].ProtectedHeaders()
	if kind, _ := header.Type(); kind != "kinde-assertion+jwt" {
		return nil, errors.New("another kind of token")
	}
	id, _ := header.KeyID()
	key, err := v.find(ctx, id)
	if err != nil {
		return nil, err
	}
	algorithm, _ := key.Algorithm() // EdDSA or ES256: the key's, whatever the assertion says
	token, err := jwt.Parse([]byte(assertion), jwt.WithKey(algorithm, key), jwt.WithIssuer(v.issuer),
		jwt.WithAudience(v.audience), jwt.WithRequiredClaim("exp"), jwt.WithRequiredClaim("iat"),
		jwt.WithAcceptableSkew(5*time.Second))
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(token)
	if err != nil {
		return nil, err
	}
	c := &claims{}
	return c, json.Unmarshal(text, c)
}

// find returns the key of that ID. An unknown one has the keys fetched again.
func (v *verifier) find(ctx context.Context, id string) (jwk.Key, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	for fresh := false; ; fresh = true {
		if v.keys != nil {
			if key, found := v.keys.LookupKeyID(id); found {
				return key, nil
			}
		}
		if fresh || time.Since(v.fetched) < cooldown {
			return nil, errors.New("unknown key")
		}
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		keys, err := jwk.Fetch(ctx, v.url)
		cancel()
		if v.fetched = time.Now(); err != nil {
			return nil, err
		}
		v.keys = keys
	}
}

type identityKey struct{}

// require lets nobody pass who did not come through Envoy.
func (v *verifier) require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told, err := readIdentity(r.Header)
		c, wrong := v.verify(r.Context(), r.Header.Get("x-kinde-assertion"))
		if err != nil || wrong != nil || !c.agree(told) {
			http.Error(w, `{"error":"this did not come through Envoy"}`, http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), identityKey{}, told)))
	})
}

package kindetest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

// Issuer is a Kinde-shaped issuer. It is an [http.Handler], and its methods
// may be called at the same time.
type Issuer struct {
	// URL is the issuer, as it stands in iss.
	URL string
	// Now tells the time that tokens are minted at.
	Now func() time.Time
	// LoginPage shows a page that asks who logs in, instead of logging the sample
	// user in at once.
	LoginPage bool
	// ResourceIndicators makes resource= (RFC 8707) an audience of the token, as
	// audience= is. Kinde's documentation does not know it, so without it the
	// audience of a token that was asked for with resource= alone is empty.
	ResourceIndicators bool

	fetches atomic.Int64

	mu     sync.Mutex
	keys   []signingKey // the last one signs
	outage Outage
	set    string // what is published instead of the keys, if anything
	logins map[secret]kept
}

type signingKey struct {
	id      string
	private *rsa.PrivateKey
}

// New returns an issuer with a fresh key.
func New(url string) *Issuer {
	i := &Issuer{URL: url, Now: time.Now}
	i.Rotate()
	return i
}

// Server is an [Issuer] that listens on the loopback interface.
type Server struct {
	*Issuer
	*httptest.Server
}

// NewServer starts an issuer on a port of the kernel's choice. Close ends it.
func NewServer() *Server {
	i := New("")
	server := httptest.NewServer(i)
	i.URL = server.URL
	return &Server{Issuer: i, Server: server}
}

// Rotate makes a new key, which signs from now on and is published beside the
// older ones, and returns its ID.
func (i *Issuer) Rotate() string {
	key := newKey()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys, key)
	return key.id
}

// newKey makes a key whose ID looks like Kinde's: pairs of hexadecimal digits
// with colons between them.
func newKey() signingKey {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // the system has no randomness
	}
	sum := sha256.Sum256(private.N.Bytes())
	id := strings.ReplaceAll(fmt.Sprintf("% x", sum[:16]), " ", ":")
	return signingKey{id, private}
}

// Withdraw takes a key out of what is published. The last key stays usable for
// signing even so.
func (i *Issuer) Withdraw(keyID string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for n, key := range i.keys {
		if key.id == keyID && len(i.keys) > 1 {
			i.keys = append(i.keys[:n:n], i.keys[n+1:]...)
			return
		}
	}
}

// KeyID returns the ID of the key that signs now.
func (i *Issuer) KeyID() string { return i.key().id }

// PrivateKey returns the key that signs now, for tests that forge.
func (i *Issuer) PrivateKey() *rsa.PrivateKey { return i.key().private }

func (i *Issuer) key() signingKey {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys[len(i.keys)-1]
}

// Fetches returns how often the JWK set was asked for.
func (i *Issuer) Fetches() int { return int(i.fetches.Load()) }

// Publish answers requests for the JWK set with this text; an empty one
// brings back the keys.
func (i *Issuer) Publish(set string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.set = set
}

// JWKS returns the JWK set that is published: the public keys, newest first.
func (i *Issuer) JWKS() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.set != "" {
		return i.set
	}
	set := jwk.NewSet()
	for n := range i.keys {
		must(set.AddKey(publicJWK(i.keys[len(i.keys)-1-n])))
	}
	text, err := json.Marshal(set)
	must(err)
	return string(text)
}

func publicJWK(key signingKey) jwk.Key {
	public, err := jwk.Import(&key.private.PublicKey)
	must(err)
	must(public.Set(jwk.KeyIDKey, key.id))
	must(public.Set(jwk.KeyUsageKey, "sig"))
	must(public.Set(jwk.AlgorithmKey, jwa.RS256()))
	return public
}

// must stops a test whose own preparation failed.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// ServeHTTP serves discovery, keys, logins, the token endpoint and, below /dev/, what
// drives the issuer from outside:
//
//	POST /dev/token   a [TokenRequest] in JSON; answers the token
//	POST /dev/rotate  answers the new key's ID
//	POST /dev/outage  mode=…, one of the [Outage] words or empty
//
// A page in a browser cannot drive it: browsers send Origin with every POST.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/dev/") && r.Header.Get("Origin") != "" {
		http.Error(w, "a browser asks", http.StatusForbidden)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /health":
	case "GET /.well-known/openid-configuration":
		if i.fails(w, r) {
			return
		}
		answerJSON(w, i.discovery())
	case "GET /.well-known/jwks":
		i.fetches.Add(1)
		i.serveKeys(w, r)
	case "GET /oauth2/auth", "POST /oauth2/auth":
		i.authorize(w, r)
	case "POST /oauth2/token":
		i.grant(w, r)
	case "POST /dev/token":
		i.serveToken(w, r)
	case "POST /dev/rotate":
		fmt.Fprintln(w, i.Rotate())
	case "POST /dev/outage":
		if err := i.Fail(Outage(r.FormValue("mode"))); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	default:
		http.NotFound(w, r)
	}
}

// discovery is what the issuer says of itself. It is at the address of OpenID Connect
// Discovery alone, as Kinde's documentation has it, not at that of RFC 8414 too.
func (i *Issuer) discovery() map[string]any {
	return map[string]any{
		"issuer": i.URL, "jwks_uri": i.URL + "/.well-known/jwks", "token_endpoint": i.URL + "/oauth2/token",
		"authorization_endpoint":                i.URL + "/oauth2/auth",
		"response_types_supported":              []string{"code"},
		"grant_types_supported":                 []string{"authorization_code", "refresh_token", "client_credentials"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline"},
		"code_challenge_methods_supported":      []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
	}
}

// serveKeys answers as Kinde does, which refuses a request for public keys
// that brings credentials.
func (i *Issuer) serveKeys(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" {
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	if i.fails(w, r) {
		return
	}
	set := i.JWKS()
	etag := fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(set)))
	w.Header().Set("ETag", etag)
	if r.Header.Get("If-None-Match") == etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, set)
}

func answerJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // the client has gone: nothing to tell it
}

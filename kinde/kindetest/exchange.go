package kindetest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"
)

// secret is what a client shows at the token endpoint for a login.
type secret struct {
	kind, text string
}

// The kinds of secrets.
const (
	codes     = "authorization code"
	refreshes = "refresh token"
)

// kept is a login that a secret stands for.
type kept struct {
	login
	until time.Time
}

// lifetimes are how long each kind of secret is good.
var lifetimes = map[string]time.Duration{codes: time.Minute, refreshes: 15 * 24 * time.Hour}

// maxLogins bounds what is remembered.
const maxLogins = 1000

// remember returns a new secret that stands for the login, once.
func (i *Issuer) remember(kind string, l *login) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	for key := range i.logins {
		if len(i.logins) < maxLogins {
			break
		}
		delete(i.logins, key)
	}
	if i.logins == nil {
		i.logins = make(map[secret]kept)
	}
	text := rand.Text()
	i.logins[secret{kind, text}] = kept{*l, i.Now().Add(lifetimes[kind])}
	return text
}

// redeem returns the login that a secret stands for, and forgets it.
func (i *Issuer) redeem(kind, text string) (l *login, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	found, ok := i.logins[secret{kind, text}]
	delete(i.logins, secret{kind, text})
	return &found.login, ok && i.Now().Before(found.until)
}

// exchange answers an authorization code with tokens (RFC 6749, section 4.1.3). The
// client is public: PKCE is its proof, and a secret of its own is not looked at.
func (i *Issuer) exchange(w http.ResponseWriter, r *http.Request) {
	client, _ := clientOf(r)
	l, ok := i.redeem(codes, r.PostFormValue("code"))
	if !ok || l.client != client || l.redirect != r.PostFormValue("redirect_uri") || !l.proven(r.PostFormValue("code_verifier")) {
		refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	i.answerLogin(w, r, l)
}

// proven reports whether the verifier is that of the login's challenge (RFC 7636,
// section 4.6).
func (l *login) proven(verifier string) bool {
	sum := sha256.Sum256([]byte(verifier))
	return len(verifier) >= 43 && l.challenge == base64.RawURLEncoding.EncodeToString(sum[:])
}

// refresh answers a refresh token with tokens, and another in its place (RFC 6749,
// section 6).
func (i *Issuer) refresh(w http.ResponseWriter, r *http.Request) {
	client, _ := clientOf(r)
	l, ok := i.redeem(refreshes, r.PostFormValue("refresh_token"))
	if !ok || l.client != client {
		refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	i.answerLogin(w, r, l)
}

// answerLogin answers with the tokens of a login. Kinde's scope for a refresh token is
// offline, not offline_access.
func (i *Issuer) answerLogin(w http.ResponseWriter, r *http.Request, l *login) {
	for _, resource := range r.PostForm["resource"] {
		if i.ResourceIndicators && !slices.Contains(l.resources, resource) {
			refuse(w, http.StatusBadRequest, "invalid_target")
			return
		}
	}
	request := l.user
	request.Audience, request.Scopes = i.audienceOf(l), l.scopes
	c := i.userClaims(request).With("azp", l.client)
	set(c, "aud", request.Audience)
	answer := map[string]any{
		"access_token": i.Token(c), "token_type": "bearer", "expires_in": int(time.Hour.Seconds()),
		"scope": strings.Join(l.scopes, " "),
	}
	if slices.Contains(l.scopes, "offline") {
		answer["refresh_token"] = i.remember(refreshes, l)
	}
	w.Header().Set("Cache-Control", "no-store")
	answerJSON(w, answer)
}

// audienceOf is that of a login's tokens: never nil, since a token that was asked for
// without an audience has an empty one.
func (i *Issuer) audienceOf(l *login) []string {
	audience := append([]string{}, l.audience...)
	if i.ResourceIndicators {
		audience = append(audience, l.resources...)
	}
	return audience
}

// clientOf is the client that asks the token endpoint, and whether it showed a secret.
func clientOf(r *http.Request) (id string, secret bool) {
	if id, password, ok := r.BasicAuth(); ok {
		return id, password != ""
	}
	return r.PostFormValue("client_id"), r.PostFormValue("client_secret") != ""
}

package kindetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// TokenRequest says what token to mint. What is left out is as in the sample
// tokens.
type TokenRequest struct {
	// Actor is user, the default, or system.
	Actor string `json:"actor,omitempty"`
	// User is sub.
	User string `json:"user,omitempty"`
	// Org is org_code; "none" leaves it out.
	Org string `json:"org,omitempty"`
	// Audience is aud.
	Audience []string `json:"audience,omitempty"`
	// Permissions are a user's.
	Permissions []string `json:"permissions,omitempty"`
	// Roles are the keys of a user's roles.
	Roles []string `json:"roles,omitempty"`
	// Scopes are scp, and scope for a machine.
	Scopes []string `json:"scopes,omitempty"`
	// Lifetime is how long the token lives, in seconds.
	Lifetime int64 `json:"lifetime,omitempty"`
	// Broken asks for one of the [BrokenKinds] instead.
	Broken string `json:"broken,omitempty"`
}

// Mint makes the token that is asked for.
func (i *Issuer) Mint(r TokenRequest) (string, error) {
	if r.Broken != "" {
		return i.Broken(r.Broken)
	}
	var c Claims
	switch r.Actor {
	case "", "user":
		c = i.UserClaims()
		set(c, "permissions", r.Permissions)
		set(c, "roles", r.Roles)
		if r.User != "" {
			c["sub"] = r.User
		}
	case "system":
		c = i.MachineClaims()
		if r.Scopes != nil {
			c["scope"] = strings.Join(r.Scopes, " ")
		}
	default:
		return "", fmt.Errorf("actor %q: want user or system", r.Actor)
	}
	set(c, "scp", r.Scopes)
	set(c, "aud", r.Audience)
	switch r.Org {
	case "":
	case "none":
		delete(c, "org_code")
	default:
		c["org_code"] = r.Org
	}
	if r.Lifetime != 0 {
		c["exp"] = i.Now().Add(time.Duration(r.Lifetime) * time.Second).Unix()
	}
	return i.Token(c), nil
}

func set(c Claims, name string, items []string) {
	if items != nil {
		c[name] = items
	}
}

func (i *Issuer) serveToken(w http.ResponseWriter, r *http.Request) {
	var request TokenRequest
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	body.DisallowUnknownFields()
	err := body.Decode(&request)
	var token string
	if err == nil {
		token, err = i.Mint(request)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprint(w, token)
}

// grant is the token endpoint (RFC 6749, section 4.4): any client gets a
// machine's token.
func (i *Issuer) grant(w http.ResponseWriter, r *http.Request) {
	client, _, ok := r.BasicAuth()
	if !ok {
		client = r.PostFormValue("client_id")
		ok = client != "" && r.PostFormValue("client_secret") != ""
	}
	switch {
	case r.PostFormValue("grant_type") != "client_credentials":
		refuse(w, http.StatusBadRequest, "unsupported_grant_type")
		return
	case !ok || client == "":
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	c := i.MachineClaims().With("azp", client)
	set(c, "aud", strings.Fields(r.PostFormValue("audience")))
	if scope := r.PostFormValue("scope"); scope != "" {
		c["scope"], c["scp"] = scope, strings.Fields(scope)
	}
	w.Header().Set("Cache-Control", "no-store")
	answerJSON(w, map[string]any{
		"access_token": i.Token(c), "token_type": "bearer", "expires_in": int((24 * time.Hour).Seconds()), "scope": c["scope"],
	})
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, "{%q:%q}\n", "error", code)
}

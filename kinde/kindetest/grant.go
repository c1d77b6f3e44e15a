package kindetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// TokenRequest says what token to mint. What is left out is as in the sample
// tokens; an empty list is one without members.
type TokenRequest struct {
	// Actor is user, the default, or system.
	Actor string `json:"actor,omitempty"`
	// User is sub.
	User string `json:"user,omitempty"`
	// Org is org_code; "none" leaves it out.
	Org string `json:"org,omitempty"`
	// Audience is aud. An ID token's is its application unless given here.
	Audience []string `json:"audience,omitzero"`
	// Permissions are a user's.
	Permissions []string `json:"permissions,omitzero"`
	// Roles are the keys of a user's roles.
	Roles []string `json:"roles,omitzero"`
	// Flags are a user's feature flags: true or false is a boolean, a whole number an
	// integer, all else a string.
	Flags map[string]string `json:"flags,omitzero"`
	// Scopes are scp, and scope for a machine.
	Scopes []string `json:"scopes,omitzero"`
	// Lifetime is how long the token lives, in seconds.
	Lifetime int64 `json:"lifetime,omitempty"`
	// Broken asks for the token broken in one way: the name of one of the
	// [BrokenKinds].
	Broken string `json:"broken,omitempty"`
}

// Mint makes the token that is asked for, and breaks it when that is asked for
// too: in one way, so that all else in it is as the request says.
func (i *Issuer) Mint(r TokenRequest) (string, error) {
	c, err := i.claims(r)
	if err != nil {
		return "", err
	}
	if r.Broken == "" {
		return i.Token(c), nil
	}
	kind, err := brokenKind(r.Broken)
	if err != nil {
		return "", err
	}
	return kind.mint(i, c), nil
}

// claims are those of the token that is asked for, before it is broken.
func (i *Issuer) claims(r TokenRequest) (Claims, error) {
	var c Claims
	var err error
	switch {
	case r.Broken == idToken:
		c, err = i.idClaims(r)
	case r.Actor == "" || r.Actor == "user":
		c = i.userClaims(r)
	case r.Actor == "system":
		c, err = i.machineClaims(r)
	default:
		err = fmt.Errorf("actor %q: want user or system", r.Actor)
	}
	if err != nil {
		return nil, err
	}
	set(c, "aud", r.Audience)
	if r.Lifetime != 0 {
		c["exp"] = i.Now().Add(time.Duration(r.Lifetime) * time.Second).Unix()
	}
	return c, nil
}

func (i *Issuer) userClaims(r TokenRequest) Claims {
	c := i.UserClaims()
	set(c, "permissions", r.Permissions)
	set(c, "roles", r.Roles)
	set(c, "scp", r.Scopes)
	if r.Flags != nil {
		c["feature_flags"] = featureFlags(r.Flags)
	}
	setOrg(c, r.Org)
	if r.User != "" {
		c["sub"] = r.User
	}
	return c
}

func (i *Issuer) machineClaims(r TokenRequest) (Claims, error) {
	if r.User != "" || r.Permissions != nil || r.Roles != nil || r.Flags != nil {
		return nil, errors.New("actor system: only a user's token has a user, permissions, roles and flags")
	}
	c := i.MachineClaims()
	if r.Scopes != nil {
		c["scp"], c["scope"] = r.Scopes, strings.Join(r.Scopes, " ")
	}
	setOrg(c, r.Org)
	return c, nil
}

// idClaims are those of the ID token that the same user would get: it names
// the user's organizations in a claim of its own.
func (i *Issuer) idClaims(r TokenRequest) (Claims, error) {
	switch {
	case r.Actor == "system":
		return nil, errors.New("broken kind id-token: only a user has an ID token: leave out the actor")
	case r.Permissions != nil || r.Roles != nil || r.Scopes != nil || r.Flags != nil:
		return nil, errors.New("broken kind id-token: an ID token has no permissions, roles, scopes or flags")
	}
	c := i.IDClaims()
	if r.User != "" {
		c["sub"] = r.User
	}
	switch r.Org {
	case "":
	case "none":
		c["org_codes"] = []string{}
	default:
		c["org_codes"] = []string{r.Org}
	}
	return c, nil
}

// featureFlags are flags as a token has them.
//
// https://docs.kinde.com/build/tokens/about-access-tokens/
func featureFlags(values map[string]string) map[string]any {
	flags := make(map[string]any, len(values))
	for key, text := range values {
		kind, value := "s", any(text)
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			kind, value = "i", n
		} else if text == "true" || text == "false" {
			kind, value = "b", text == "true"
		}
		flags[key] = map[string]any{"t": kind, "v": value}
	}
	return flags
}

func setOrg(c Claims, org string) {
	switch org {
	case "":
	case "none":
		delete(c, "org_code")
	default:
		c["org_code"] = org
	}
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

// grant is the token endpoint (RFC 6749, section 3.2).
func (i *Issuer) grant(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		i.exchange(w, r)
	case "refresh_token":
		i.refresh(w, r)
	case "client_credentials":
		i.grantMachine(w, r)
	default:
		refuse(w, http.StatusBadRequest, "unsupported_grant_type")
	}
}

// grantMachine answers client credentials (RFC 6749, section 4.4): any client gets a
// machine's token.
func (i *Issuer) grantMachine(w http.ResponseWriter, r *http.Request) {
	client, secret := clientOf(r)
	if client == "" || !secret {
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

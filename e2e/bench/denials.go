package main

import (
	"fmt"
	"time"

	"github.com/kinde-authz/kinde-authz/e2e/bench/load"
	"github.com/kinde-authz/kinde-authz/e2e/bench/result"
	"github.com/kinde-authz/kinde-authz/e2e/bench/token"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// domain is the issuer of the pool's tokens.
const domain = token.Domain

// issuer is the settings of an issuer whose keys are the pool's.
func (b *bench) issuer(domain string) map[string]any {
	return map[string]any{
		"domain": domain, "jwks_file": b.jwks,
		"audience": []string{kindetest.Audience}, "allowed_orgs": []string{kindetest.Org, "org_globex"},
	}
}

// denial is a way to be refused, with the requests that are.
type denial struct {
	name, reason string
	requests     []load.Request
}

// denials returns those that are cheap to tell: few requests, over and over.
func (b *bench) denials() ([]denial, error) {
	now := time.Now()
	claims := token.Claims(now)
	kinds := []struct {
		reason string
		claims kindetest.Claims
	}{
		{"wrong_issuer", claims.With("iss", "https://evil.kinde.com")},
		{"token_expired", claims.With("iat", now.Add(-2*time.Hour).Unix()).With("exp", now.Add(-time.Hour).Unix())},
		{"wrong_audience", claims.With("aud", []string{"https://other.example.com"})},
	}
	missing, err := load.Without(path)
	if err != nil {
		return nil, err
	}
	names := result.CheapDenials
	all := []denial{{names[0], "missing_token", []load.Request{{Body: missing}}}, {names[1], "malformed_token", nil}}
	if all[1].requests, err = b.malformed(); err != nil {
		return nil, err
	}
	for i, kind := range kinds {
		requests, err := b.signed(kind.claims)
		if err != nil {
			return nil, err
		}
		all = append(all, denial{names[2+i], kind.reason, requests})
	}
	return all, nil
}

// malformed returns requests with tokens that lack their signature.
func (b *bench) malformed() ([]load.Request, error) {
	requests := make([]load.Request, few)
	for i := range requests {
		input, _ := b.pool.Input(i)
		body, err := load.With(path, "Bearer "+string(input))
		if err != nil {
			return nil, err
		}
		requests[i] = load.Request{Body: body}
	}
	return requests, nil
}

// signed returns requests with a few tokens of these claims, well signed.
func (b *bench) signed(claims kindetest.Claims) ([]load.Request, error) {
	requests := make([]load.Request, few)
	for i := range requests {
		bearer, err := b.pool.Sign(claims.With("jti", fmt.Sprintf("6f1c4a0e-7d52-4b1c-9a8e-%012d", i)).With("sub", fmt.Sprintf("kp_%016d", i)))
		if err != nil {
			return nil, err
		}
		body, err := load.With(path, "Bearer "+bearer)
		if err != nil {
			return nil, err
		}
		requests[i] = load.Request{Body: body}
	}
	return requests, nil
}

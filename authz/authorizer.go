package authz

import (
	"context"
	"errors"
	"fmt"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// Verifier decides on tokens. [kinde.Verifier] is one.
type Verifier interface {
	// Verify returns the verified token, or a [*kinde.Error]; with
	// [kinde.UnknownActor] it returns both.
	Verify(ctx context.Context, token string) (*kinde.Token, error)
}

// Config says what an [Authorizer] lets pass.
type Config struct {
	// Verifier verifies the tokens. It is required.
	Verifier Verifier
	// Issuers holds the rules for the tokens of each issuer, by its domain. A
	// token of an issuer without rules does not pass.
	Issuers map[string]Rules
	// DropAuthorization keeps the Authorization header from the upstream.
	DropAuthorization bool
}

// Authorizer makes decisions. It does not change, so its methods may be called
// at the same time.
type Authorizer struct {
	verifier          Verifier
	issuers           map[string]*rules
	dropAuthorization bool
}

// NewAuthorizer checks and compiles the configuration.
func NewAuthorizer(config Config) (*Authorizer, error) {
	if config.Verifier == nil {
		return nil, errors.New("no verifier")
	}
	a := &Authorizer{
		verifier: config.Verifier, issuers: make(map[string]*rules, len(config.Issuers)),
		dropAuthorization: config.DropAuthorization,
	}
	for domain, rules := range config.Issuers {
		compiled, err := rules.compile()
		if err != nil {
			return nil, fmt.Errorf("issuer %s: %w", domain, err)
		}
		a.issuers[domain] = compiled
	}
	return a, nil
}

// defaultPolicy is the policy that applies when nothing else is chosen.
const defaultPolicy = "default"

// Decide decides on one request. It waits only while the issuer's keys are
// fetched for a token that names a new one, and answers before ctx's deadline
// even then.
func (a *Authorizer) Decide(ctx context.Context, request *Request) Decision {
	if request.dropsIdentity() {
		return deny(BadRequest, "", nil)
	}
	policy, ok := a.policy(request.Extensions)
	if !ok {
		return deny(UnknownPolicy, "", nil)
	}
	bearer, refused := bearerToken(request.Authorization)
	if refused != "" {
		return deny(refused, policy, nil)
	}
	token, err := a.verifier.Verify(ctx, bearer)
	if err != nil {
		return denyToken(err, policy, token)
	}
	rules := a.issuers[token.Issuer]
	if rules == nil {
		return deny(kinde.WrongIssuer, policy, nil)
	}
	if refused := rules.refuse(token); refused != "" {
		return deny(refused, policy, token)
	}
	return allow(request, policy, token, a.dropAuthorization)
}

// policy returns the policy that Envoy's route asks for. What Envoy says and
// nobody here understands is a denial: it may have been meant to restrict.
func (a *Authorizer) policy(extensions map[string]string) (string, bool) {
	for key, name := range extensions {
		if key != "policy" || name != defaultPolicy {
			return "", false
		}
	}
	return defaultPolicy, true
}

// denyToken is the denial for a token that was refused.
func denyToken(err error, policy string, token *kinde.Token) Decision {
	var refused *kinde.Error
	if !errors.As(err, &refused) {
		return deny(InternalError, policy, nil)
	}
	d := deny(refused.Reason, policy, token)
	d.Detail = refused.Detail
	return d
}

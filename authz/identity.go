package authz

import (
	"errors"
	"strings"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// identity is what is kept of a token: whom it stands for, which requirements of
// the policies it meets, and the headers that tell the upstream. It does not change
// and holds no part of the token's text.
type identity struct {
	validity    kinde.Validity // how long all of this is so
	refused     *kinde.Error   // why the token was refused; nothing else may be known then
	issuer      *rules         // nil where nothing else is known
	anyAudience bool           // the issuer asks for none

	actor             kinde.Actor
	user, client, org string
	met               set   // of the requirements
	headers           block // none for a refused token
}

var (
	errNoVerdict = &kinde.Error{Reason: InternalError, Detail: "the verifier does not say what the token is"}
	errNoRules   = &kinde.Error{Reason: kinde.WrongIssuer, Detail: "there are no rules for the token's issuer"}
)

// identities are made of tokens by the rules of their issuers.
type identities struct {
	issuers      map[string]*rules
	requirements *requirements // of all policies
	headers      *headers
}

// of returns what is to be kept of a token.
func (all *identities) of(verdict *kinde.Verdict) *identity {
	id, token := &identity{validity: verdict.Validity, anyAudience: verdict.AnyAudience}, verdict.Token
	if verdict.Err != nil {
		id.refused = refusal(verdict.Err)
	}
	switch {
	case token == nil && id.refused == nil:
		id.refused = errNoVerdict
	case token == nil:
	case all.issuers[token.Issuer] == nil:
		id.refused = errNoRules
	default:
		id.fill(all, token)
	}
	return id
}

// refusal returns why a token was refused.
func refusal(err error) *kinde.Error {
	if refused, ok := errors.AsType[*kinde.Error](err); ok {
		return refused
	}
	return errNoVerdict
}

func (id *identity) fill(all *identities, token *kinde.Token) {
	id.actor, id.issuer = token.Actor, all.issuers[token.Issuer]
	// A copy, so that the token need not be kept: one text + nothing is that text.
	text := strings.Clone(token.Subject + token.ClientID + token.OrgCode)
	user, client := len(token.Subject), len(token.ClientID)
	id.user, id.client, id.org = text[:user], text[user:][:client], text[user+client:]
	if id.refused == nil {
		id.headers, id.met = all.headers.block(all.headers.of(token)), set(all.requirements.met(token))
	}
}

// size is about how many bytes the identity takes.
func (id *identity) size() int {
	const rest = 384 // the struct, and the cache's part
	return rest + len(id.user) + len(id.client) + len(id.org) + len(id.met) + id.headers.size()
}

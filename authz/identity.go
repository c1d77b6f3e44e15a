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
	validity kinde.Validity // how long all of this is so
	refused  *kinde.Error   // why the token passes nowhere; nothing else may be known then
	issuer   *rules         // nil where nothing else is known

	anyAudience bool         // the issuer asks for none
	foreign     *kinde.Error // why the token is for no API of its issuer, nil when it is
	unbound     bool         // it is for no API at all
	resources   set          // numbers of the resources whose own audience it names

	actor             kinde.Actor // empty for neither user nor machine
	user, client, org string
	met               set   // of the requirements
	headers           block // none for a token that passes nowhere

	asserted *asserted // nil without assertions
}

var (
	errNoVerdict = &kinde.Error{Reason: InternalError, Detail: "the verifier does not say what the token is"}
	errActor     = &kinde.Error{Reason: kinde.UnknownActor, Detail: "the token has no sub, and gty does not list client_credentials"}
	errNoRules   = &kinde.Error{Reason: kinde.WrongIssuer, Detail: "there are no rules for the token's issuer"}
)

// identities are made of tokens by the rules of their issuers.
type identities struct {
	issuers      map[string]*rules
	requirements *requirements // of all policies
	resources    *resources
	headers      *headers
	signer       *signer // nil without assertions
}

// of returns what is to be kept of a token. Whether it is for the right API, and
// whether an actor that nobody knows matters, is decided on each request.
func (all *identities) of(verdict *kinde.Verdict) *identity {
	id, token := &identity{validity: verdict.Validity, anyAudience: verdict.AnyAudience}, verdict.Token
	switch refused := refusal(verdict.Err); {
	case refused == nil || token == nil:
		id.refused = refused
	case refused.Reason == kinde.EmptyAudience || refused.Reason == kinde.WrongAudience:
		id.foreign = refused
	case refused.Reason != kinde.UnknownActor || token.Actor != "":
		id.refused = refused
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

// refusal returns why a token was refused, nil when it was not.
func refusal(err error) *kinde.Error {
	if err == nil {
		return nil
	}
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
	id.unbound, id.resources = len(token.Audience) == 0, all.resources.named(token)
	if id.refused == nil && id.actor != "" && (id.foreign == nil || id.resources != "") {
		id.met = set(all.requirements.met(token))
		id.tell(all, token)
	}
}

// tell makes the headers and the assertion. Single values are bounded, and have room
// beside any assertion unless all of them are absurd; then nothing passes.
func (id *identity) tell(all *identities, token *kinde.Token) {
	until := id.validity.Until()
	if until.IsZero() { // of another verifier, whose word holds once
		until = token.Expires
	}
	id.asserted = all.signer.of(token, until, all.headers.encode)
	limit := maxHeaderBytes - id.asserted.bytes()
	headers := all.headers.of(token, limit)
	if id.asserted != nil {
		id.asserted.unfit = size(headers) >= limit
	}
	id.headers = all.headers.block(headers, id.asserted != nil)
}

// refuse reports why the token does not pass, whatever the policy, where the request
// belongs to a resource, nil for none.
func (id *identity) refuse(at *resource) *kinde.Error {
	if id.refused != nil {
		return id.refused
	}
	if foreign := at.refuse(id); foreign != nil {
		return foreign
	}
	if id.actor == "" {
		return errActor
	}
	return nil
}

// size is about how many bytes the identity takes.
func (id *identity) size() int {
	const rest = 384 // the struct, and the cache's part
	return rest + len(id.user) + len(id.client) + len(id.org) + len(id.met) + len(id.resources) + id.headers.size() + id.asserted.size()
}

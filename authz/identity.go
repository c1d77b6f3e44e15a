package authz

import (
	"strings"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// identity is what is kept of a token: who it stands for, what of all that is
// wanted it has, and the headers that tell the upstream. It does not change and
// holds no part of the token.
type identity struct {
	validity kinde.Validity // how long all of this is so
	refused  error          // why the token was refused; the rest may be empty then

	actor             kinde.Actor
	user, client, org string
	issuer            *rules
	met               set
	headers           string // fields of an OkHttpResponse; empty for a refused token
}

// identity returns what is to be kept of a token.
func (a *Authorizer) identity(verdict *kinde.Verdict) *identity {
	id := &identity{validity: verdict.Validity, refused: verdict.Err}
	token := verdict.Token
	switch {
	case token == nil && id.refused == nil:
		id.refused = errNoVerdict
	case token == nil:
	case a.issuers[token.Issuer] == nil:
		id.refused = errNoRules
	default:
		id.fill(a, token)
	}
	return id
}

// errNoVerdict is a fault of a verifier's: it neither accepts nor refuses.
var errNoVerdict = &kinde.Error{Reason: InternalError, Detail: "the verifier said nothing"}

var errNoRules = &kinde.Error{Reason: kinde.WrongIssuer, Detail: "there are no rules for the token's issuer"}

func (id *identity) fill(a *Authorizer, token *kinde.Token) {
	id.actor, id.issuer = token.Actor, a.issuers[token.Issuer]
	if id.refused == nil {
		id.met = a.wanted.met(token)
		id.headers = a.headers.encode(token)
	}
	id.user, id.client, id.org = within(id.headers, token.Subject), within(id.headers, token.ClientID), within(id.headers, token.OrgCode)
}

// within returns the text from inside another that is kept anyway, or a copy.
// Either way the token that it is from need not be kept.
func within(kept, text string) string {
	at := strings.Index(kept, text)
	if at < 0 {
		return strings.Clone(text)
	}
	return kept[at : at+len(text)]
}

// size is about how many bytes the identity takes.
func (id *identity) size() int {
	const rest = 256 // the struct, and the cache's part
	return rest + len(id.headers) + len(id.met)*wordBits/8
}

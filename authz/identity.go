package authz

import (
	"errors"
	"strings"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// identity is what is kept of a token: who it stands for, what of all that is
// wanted it has, and the headers that tell the upstream. It does not change,
// holds no part of the token, and is small, as there are many: all that it says
// is in one text.
type identity struct {
	validity    kinde.Validity // how long all of this is so
	refused     *kinde.Error   // why the token was refused; nothing else may be known then
	issuer      *rules         // nil where nothing else is known
	anyAudience bool           // the issuer asks for none

	text              string
	headers           span // fields of an OkHttpResponse; empty for a refused token
	met               span // a set of what is wanted
	user, client, org span
	actor             actor
}

// span is a part of an identity's text.
type span struct{ from, to uint32 }

func (id *identity) part(s span) string { return id.text[s.from:s.to] }

// actor is a [kinde.Actor] in one byte.
type actor uint8

// words are those of the actors; the zero value is nobody.
var words = [...]kinde.Actor{"", kinde.User, kinde.System}

func actorOf(word kinde.Actor) actor {
	for i, known := range words {
		if word == known {
			return actor(i)
		}
	}
	return 0
}

func (a actor) word() kinde.Actor { return words[a] }

var (
	errNoVerdict = &kinde.Error{Reason: InternalError, Detail: "the verifier does not say what the token is"}
	errNoRules   = &kinde.Error{Reason: kinde.WrongIssuer, Detail: "there are no rules for the token's issuer"}
)

// identity returns what is to be kept of a token.
func (a *Authorizer) identity(verdict *kinde.Verdict) *identity {
	id, token := &identity{validity: verdict.Validity, anyAudience: verdict.AnyAudience}, verdict.Token
	if verdict.Err != nil {
		refused, ok := errors.AsType[*kinde.Error](verdict.Err)
		if !ok {
			refused = errNoVerdict
		}
		id.refused = refused
	}
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

func (id *identity) fill(a *Authorizer, token *kinde.Token) {
	id.actor, id.issuer = actorOf(token.Actor), a.issuers[token.Issuer]
	if id.refused == nil {
		id.text = a.headers.encode(token)
		id.headers = span{0, uint32(len(id.text))} //nolint:gosec // headers are bounded
		id.met = id.add(string(a.wanted.met(token)))
	}
	id.user, id.client, id.org = id.find(token.Subject), id.find(token.ClientID), id.find(token.OrgCode)
}

// find returns where the identity's text says the same, which it mostly does in
// some header.
func (id *identity) find(text string) span {
	at := strings.Index(id.text, text)
	if at < 0 {
		return id.add(text)
	}
	return span{uint32(at), uint32(at + len(text))} //nolint:gosec // claims and headers are bounded
}

// add takes a copy, so that the token that the text is from need not be kept.
func (id *identity) add(text string) span {
	from := len(id.text)
	id.text += strings.Clone(text)                  // to nothing + adds a text as it is
	return span{uint32(from), uint32(len(id.text))} //nolint:gosec // as above
}

// size is about how many bytes the identity takes.
func (id *identity) size() int {
	const rest = 256 // the struct, and the cache's part
	return rest + len(id.text)
}

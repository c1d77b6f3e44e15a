package token

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// Where the number of a token stands in its claims: digits alone, so that
// every token has the same length.
const (
	jtiMark = "#jti########"
	subMark = "#sub############"
)

// template is the claims of all tokens of a pool: those of a user of
// kindetest, with places for the number in jti and sub.
type template struct{ before, between, after string }

// newTemplate takes the time at which the pool was made.
func newTemplate(issued time.Time) template {
	return cut(Claims(issued).With("jti", "6f1c4a0e-7d52-4b1c-9a8e-"+jtiMark).With("sub", "kp_"+subMark))
}

// Claims returns those of a user's token of the benchmarks' issuer that lives
// as long as a pool does.
func Claims(issued time.Time) kindetest.Claims {
	issuer := &kindetest.Issuer{URL: Domain, Now: func() time.Time { return issued }}
	return issuer.UserClaims().With("exp", issued.Add(lifetime).Unix())
}

// cut splits the JSON of claims, whose names are sorted, at the marks.
func cut(claims kindetest.Claims) template {
	text, err := json.Marshal(claims)
	if err != nil {
		panic(err) // plain values can be written
	}
	before, rest, _ := strings.Cut(string(text), jtiMark)
	between, after, _ := strings.Cut(rest, subMark)
	return template{before, between, after}
}

// append appends the claims of token number i.
func (t template) append(dst []byte, i int) []byte {
	dst = append(dst, t.before...)
	dst = fmt.Appendf(dst, "%0*d", len(jtiMark), i)
	dst = append(dst, t.between...)
	dst = fmt.Appendf(dst, "%0*d", len(subMark), i)
	return append(dst, t.after...)
}

// text tells templates apart.
func (t template) text() string { return t.before + jtiMark + t.between + subMark + t.after }

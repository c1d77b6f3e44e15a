package settings

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/kinde-authz/kinde-authz/authz"
)

// resourceWarnings are about resources and the audiences of the issuers together.
func (s *Settings) resourceWarnings() (all []authz.Warning) {
	first := ""
	open, _ := s.OpenIssuers()
	for n, r := range s.Authorizer.Resources {
		warn := func(format string, args ...any) {
			text := "resource " + r.Identifier + fmt.Sprintf(format, args...)
			all = append(all, authz.Warning{Path: []string{"resources", strconv.Itoa(n)}, Text: text})
		}
		if r.Audience == nil && open != nil && !s.standIn {
			warn(" is open to any token of %s: give it an audience, or the issuer one", strings.Join(open, ", "))
		}
		for _, other := range s.Authorizer.Resources[:n] {
			if shared := s.shared(r, other); shared != "" {
				warn(" and resource %s accept the same audience, %s: a token for one passes at the other", other.Identifier, shared)
			}
		}
		address, err := url.Parse(r.Identifier)
		switch {
		case err != nil:
		case first == "":
			first = address.Host
		case address.Host != first:
			warn(" is on another host than %s: requests are told apart by their paths alone", first)
		}
	}
	return all
}

// OpenIssuers returns the domains of the issuers whose tokens may be for any audience, and
// of those whose tokens may be of any organization, or none.
func (s *Settings) OpenIssuers() (anyAudience, anyOrg []string) {
	for _, issuer := range s.Verifier.Issuers {
		if issuer.Audience == nil {
			anyAudience = append(anyAudience, issuer.Domain)
		}
		if s.Authorizer.Issuers[issuer.Domain].AllowedOrgs == nil {
			anyOrg = append(anyOrg, issuer.Domain)
		}
	}
	return anyAudience, anyOrg
}

// shared returns an audience that both resources accept, empty for none.
func (s *Settings) shared(a, b authz.Resource) string {
	theirs := s.accepted(b)
	for _, audience := range s.accepted(a) {
		if slices.Contains(theirs, audience) {
			return audience
		}
	}
	return ""
}

// accepted returns the audiences that a resource accepts.
func (s *Settings) accepted(r authz.Resource) []string {
	if r.Audience != nil {
		return r.Audience
	}
	var all []string
	for _, issuer := range s.Verifier.Issuers {
		all = append(all, issuer.Audience...)
	}
	return all
}

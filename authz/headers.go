package authz

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// Header is one header to the upstream.
type Header struct{ Name, Value string }

// The names of the identity headers.
const (
	headerActor        = "x-kinde-actor"
	headerUserID       = "x-kinde-user-id"
	headerClientID     = "x-kinde-client-id"
	headerOrgCode      = "x-kinde-org-code"
	headerScopes       = "x-kinde-scopes"
	headerPermissions  = "x-kinde-permissions"
	headerRoles        = "x-kinde-roles"
	headerTokenID      = "x-kinde-token-id"
	headerTokenExpires = "x-kinde-token-expires"
	headerIssuer       = "x-kinde-issuer"
	headerOmitted      = "x-kinde-omitted"
)

// ownHeaders are all names that this service may set.
var ownHeaders = []string{
	headerActor, headerUserID, headerClientID, headerOrgCode, headerScopes, headerPermissions, headerRoles,
	headerTokenID, headerTokenExpires, headerIssuer, headerOmitted,
}

const (
	// maxHeaderBytes is what names and values stay below together, so that the
	// upstream's own limit is not passed: Envoy fails a request whose headers
	// grow over 60 KiB, many servers one over 8.
	maxHeaderBytes = 8 << 10

	// maxClaimBytes is the most that the value of one claim may have.
	maxClaimBytes = 1 << 10
)

// headers says which headers the upstream gets.
type headers struct {
	claims []claimHeader
	owned  []string // all names that may be set
	drop   []string // names to remove whatever is set
}

// claimHeader is a claim with a header of its own.
type claimHeader struct{ name, claim string }

func compileHeaders(claims map[string]string, dropAuthorization bool) (*headers, error) {
	h := &headers{owned: slices.Clone(ownHeaders)}
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		if err := CheckClaimHeader(name); err != nil {
			return nil, fmt.Errorf("headers: %w", err)
		}
		if claims[name] == "" {
			return nil, fmt.Errorf("headers: %q names no claim", name)
		}
		h.claims = append(h.claims, claimHeader{name, claims[name]})
		h.owned = append(h.owned, name)
	}
	if dropAuthorization {
		h.drop = []string{"authorization"}
	}
	return h, nil
}

// CheckClaimHeader reports what is wrong with the name of a claim's header.
func CheckClaimHeader(name string) error {
	word, ok := strings.CutPrefix(name, identityPrefix)
	for i := range len(word) {
		c := word[i]
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
	}
	if !ok || word == "" || strings.HasPrefix(word, "-") || strings.HasSuffix(word, "-") {
		return fmt.Errorf("%q: want a name like x-kinde-email: x-kinde- and lower-case letters, digits and hyphens", name)
	}
	if slices.Contains(ownHeaders, name) {
		return errors.New(name + " is one of the service's own")
	}
	return nil
}

// of returns the headers that tell the upstream who is calling. Names without
// a value are left out.
func (h *headers) of(t *kinde.Token) []Header {
	fixed := []Header{
		{headerActor, string(t.Actor)},
		{headerUserID, encoded(t.Subject)},
		{headerClientID, encoded(t.ClientID)},
		{headerOrgCode, encoded(t.OrgCode)},
		{headerTokenID, encoded(t.ID)},
		{headerTokenExpires, strconv.FormatInt(t.Expires.Unix(), 10)},
		{headerIssuer, encoded(t.Issuer)},
	}
	long := []Header{
		{headerScopes, joined(t.Scopes, ' ')},
		{headerPermissions, joined(t.Permissions, ',')},
		{headerRoles, joined(t.Roles, ',')},
	}
	var omitted []string
	for _, c := range h.claims {
		value := claimValue(t, c.claim)
		if len(value) > maxClaimBytes {
			omitted, value = append(omitted, c.name), ""
		}
		long = append(long, Header{c.name, value})
	}
	all := append(fixed, bounded(long, omitted, maxHeaderBytes-size(fixed))...) //nolint:gocritic // fixed is not used again
	return slices.DeleteFunc(all, func(h Header) bool { return h.Value == "" })
}

// claimValue writes a claim as a single value, or as a list as the lists of
// the identity are written.
func claimValue(t *kinde.Token, claim string) string {
	texts, isList := t.Claim(claim)
	switch {
	case len(texts) == 0:
		return ""
	case isList:
		return joined(texts, ',')
	default:
		return encoded(texts[0])
	}
}

// bounded leaves out whole values, the longest first, until names and values
// stay below limit, and adds the header that names what was omitted. A list
// cut short would say something else than the token does.
func bounded(long []Header, omitted []string, limit int) []Header {
	note := func() Header { return Header{headerOmitted, strings.Join(omitted, ",")} }
	for size(append(long, note())) >= limit {
		longest := 0
		for i := range long {
			if len(long[i].Value) > len(long[longest].Value) {
				longest = i
			}
		}
		if long[longest].Value == "" {
			break
		}
		omitted = append(omitted, long[longest].Name)
		long[longest].Value = ""
	}
	return append(long, note())
}

// size returns the bytes of names and values, not counting headers that will
// be left out.
func size(headers []Header) int {
	n := 0
	for _, h := range headers {
		if h.Value != "" {
			n += len(h.Name) + len(h.Value)
		}
	}
	return n
}

// remove returns every owned name that is not set and every name of the
// request that an upstream could take for one. Envoy removes after it sets, so
// a name in both lists would be lost.
func (h *headers) remove(request *Request, set []Header) []string {
	isSet := func(name string) bool {
		return slices.ContainsFunc(set, func(h Header) bool { return strings.EqualFold(h.Name, name) })
	}
	remove := make([]string, 0, len(h.owned)+len(request.Identity)+len(h.drop))
	for _, name := range slices.Concat(h.owned, request.Identity) {
		if !isSet(name) {
			remove = append(remove, name)
		}
	}
	remove = append(remove, h.drop...)
	slices.Sort(remove)
	return slices.Compact(remove)
}

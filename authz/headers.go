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
	headerAssertion    = "x-kinde-assertion"
	headerOmitted      = "x-kinde-omitted"
)

// ownHeaders are all names that this service may set.
var ownHeaders = []string{
	headerActor, headerUserID, headerClientID, headerOrgCode, headerScopes, headerPermissions, headerRoles,
	headerTokenID, headerTokenExpires, headerIssuer, headerAssertion, headerOmitted,
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
	encode Encoder  // nil for none
	none   block    // what a request without identity gets
}

// Encoder writes the headers of an allowed request as an adapter sends them: those
// to set, and the names of those to remove. An assertion is written apart from the
// others, and as often as it is signed.
type Encoder func(set []Header, remove []string) string

// block is what the upstream of an allowed request gets. It does not change.
type block struct {
	plain   *plainBlock
	encoded string // instead, with an encoder
	sets    set    // numbers of the owned names that are set
}

type plainBlock struct {
	set    []Header
	remove []string
}

// exists tells a block from the zero value, with which nothing is allowed.
func (b *block) exists() bool { return b.encoded != "" || b.plain != nil }

// size is about how many bytes the block takes.
func (b *block) size() int {
	n := len(b.encoded) + len(b.sets)
	if b.plain != nil {
		n += size(b.plain.set)
	}
	return n
}

// claimHeader is a claim with a header of its own.
type claimHeader struct{ name, claim string }

func compileHeaders(claims map[string]string, dropAuthorization bool, encode Encoder) (*headers, error) {
	h := &headers{owned: slices.Clone(ownHeaders), encode: encode}
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		if err := checkClaimHeader(name, claims[name]); err != nil {
			return nil, at(err, "headers", "claims", name)
		}
		h.claims = append(h.claims, claimHeader{name, claims[name]})
		h.owned = append(h.owned, name)
	}
	if dropAuthorization {
		h.drop = []string{"authorization"}
	}
	h.none = h.block(nil, false)
	return h, nil
}

func checkClaimHeader(name, claim string) error {
	word, ok := strings.CutPrefix(name, identityPrefix)
	for i := range len(word) {
		c := word[i]
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
	}
	if !ok || word == "" || strings.HasPrefix(word, "-") || strings.HasSuffix(word, "-") {
		return fmt.Errorf("%q: want a name like x-kinde-email: x-kinde- and lower-case letters, digits and hyphens", name)
	}
	if slices.Contains(ownHeaders, name) {
		return fmt.Errorf("%q is one of the service's own: choose another", name)
	}
	if claim == "" {
		return errors.New("it names no claim")
	}
	return nil
}

// of returns the headers that tell the upstream who is calling, but for the assertion:
// names and values have less than limit bytes. Names without a value are left out.
func (h *headers) of(t *kinde.Token, limit int) []Header {
	all := append(make([]Header, 0, len(h.owned)),
		Header{headerActor, string(t.Actor)},
		Header{headerUserID, encoded(t.Subject)},
		Header{headerClientID, encoded(t.ClientID)},
		Header{headerOrgCode, encoded(t.OrgCode)},
		Header{headerTokenID, encoded(t.ID)},
		Header{headerTokenExpires, strconv.FormatInt(t.Expires.Unix(), 10)},
		Header{headerIssuer, encoded(t.Issuer)},
	)
	room, fixed := limit-size(all), len(all)
	all = append(all,
		Header{headerScopes, joined(t.Scopes, ' ')},
		Header{headerPermissions, joined(t.Permissions, ',')},
		Header{headerRoles, joined(t.Roles, ',')},
	)
	lists := len(all)
	var omitted []string
	for _, c := range h.claims {
		value := claimValue(t, c.claim)
		if len(value) > maxClaimBytes {
			omitted, value = append(omitted, c.name), ""
		}
		all = append(all, Header{c.name, value})
	}
	all = append(all, omit(all[fixed:lists], all[lists:], omitted, room))
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

// omit empties whole values until names and values stay below limit, and returns
// the header that names what was omitted: first claims, which were asked for
// beside the identity, then lists. A list cut short would say something else than
// the token does.
func omit(lists, claims []Header, omitted []string, limit int) Header {
	for {
		note := Header{headerOmitted, strings.Join(omitted, ",")}
		if size(lists)+size(claims)+size([]Header{note}) < limit {
			return note
		}
		least := longest(claims)
		if least == nil {
			least = longest(lists)
		}
		if least == nil {
			return note
		}
		omitted = append(omitted, least.Name)
		least.Value = ""
	}
}

// longest returns the header with the longest value, of equals the last; nil when
// all are empty.
func longest(headers []Header) (found *Header) {
	for i := range headers {
		if n := len(headers[i].Value); n > 0 && (found == nil || n >= len(found.Value)) {
			found = &headers[i]
		}
	}
	return found
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

// block sets these headers and removes every owned name that is not among them, nor
// that of the assertion, which comes apart. Envoy removes after it sets, so a name in
// both lists would be lost.
func (h *headers) block(headers []Header, asserted bool) block {
	sets := make(bits, (len(h.owned)+7)/8)
	remove := make([]string, 0, len(h.owned)+len(h.drop))
	for n, name := range h.owned {
		if asserted && name == headerAssertion ||
			slices.ContainsFunc(headers, func(h Header) bool { return h.Name == name }) {
			sets.add(n)
		} else {
			remove = append(remove, name)
		}
	}
	remove = append(remove, h.drop...)
	if h.encode != nil {
		return block{encoded: h.encode(headers, remove), sets: set(sets)}
	}
	return block{plain: &plainBlock{cloned(headers), remove}, sets: set(sets)}
}

// cloned returns headers that hold no part of the text of a token.
func cloned(headers []Header) []Header {
	clone := make([]Header, len(headers))
	for i, h := range headers {
		clone[i] = Header{h.Name, strings.Clone(h.Value)}
	}
	return clone
}

// extra returns the names of the request that an upstream could take for an
// owned one and that the block neither sets nor removes. It changes the order of
// the request's, and drops repeated ones.
func (h *headers) extra(request *Request, b *block) []string {
	if len(request.Identity) == 0 {
		return nil
	}
	slices.Sort(request.Identity)
	request.Identity = slices.Compact(request.Identity)
	names, n := request.Identity, 0
	for i, name := range names {
		if !h.covers(b, name) {
			names[i], names[n] = names[n], name
			n++
		}
	}
	return names[:n]
}

// covers reports whether the block sets or removes the name: as it is spelled, or,
// when it sets it, in any case.
func (h *headers) covers(b *block, name string) bool {
	if slices.Contains(h.owned, name) {
		return true
	}
	owned := slices.IndexFunc(h.owned, func(o string) bool { return strings.EqualFold(o, name) })
	return owned >= 0 && b.sets.has(owned)
}

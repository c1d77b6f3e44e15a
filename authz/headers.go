package authz

import (
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

// maxHeaderBytes is what names and values stay below together, so that the
// upstream's own limit is not passed: Envoy fails a request whose headers grow
// over 60 KiB, many servers one over 8.
const maxHeaderBytes = 8 << 10

// identityHeaders returns the headers that tell the upstream who is calling.
// Names without a value are left out.
func identityHeaders(t *kinde.Token) []Header {
	lists := []Header{
		{headerScopes, joined(t.Scopes, ' ')},
		{headerPermissions, joined(t.Permissions, ',')},
		{headerRoles, joined(t.Roles, ',')},
	}
	headers := []Header{
		{headerActor, string(t.Actor)},
		{headerUserID, encoded(t.Subject)},
		{headerClientID, encoded(t.ClientID)},
		{headerOrgCode, encoded(t.OrgCode)},
		{headerTokenID, encoded(t.ID)},
		{headerTokenExpires, strconv.FormatInt(t.Expires.Unix(), 10)},
		{headerIssuer, encoded(t.Issuer)},
	}
	headers = append(headers, bounded(lists, maxHeaderBytes-size(headers))...)
	return slices.DeleteFunc(headers, func(h Header) bool { return h.Value == "" })
}

// bounded leaves out whole lists, the longest first, until names and values
// stay below limit, and adds the header that names them. A list cut short
// would say something else than the token does.
func bounded(lists []Header, limit int) []Header {
	omitted := ""
	for size(lists)+size([]Header{{headerOmitted, omitted}}) >= limit {
		longest := 0
		for i := range lists {
			if len(lists[i].Value) > len(lists[longest].Value) {
				longest = i
			}
		}
		if lists[longest].Value == "" {
			break
		}
		if omitted != "" {
			omitted += ","
		}
		omitted += lists[longest].Name
		lists[longest].Value = ""
	}
	return append(lists, Header{headerOmitted, omitted})
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

// headersToRemove returns every own name that is not set and every name of
// the request that an upstream could take for one. Envoy removes after it
// sets, so a name in both lists would be lost.
func headersToRemove(request *Request, set []Header) []string {
	isSet := func(name string) bool {
		return slices.ContainsFunc(set, func(h Header) bool { return strings.EqualFold(h.Name, name) })
	}
	remove := make([]string, 0, len(ownHeaders)+len(request.Identity))
	for _, name := range append(slices.Clone(ownHeaders), request.Identity...) {
		if !isSet(name) {
			remove = append(remove, name)
		}
	}
	slices.Sort(remove)
	return slices.Compact(remove)
}

// joined writes a list with a separator that can stand in no member.
func joined(items []string, separator byte) string {
	var out []byte
	for i, item := range items {
		if i > 0 {
			out = append(out, separator)
		}
		out = appendEncoded(out, item, ',')
	}
	return string(out)
}

// encoded writes a single value.
func encoded(s string) string {
	for i := range len(s) {
		if !plain(s[i]) {
			return string(appendEncoded(nil, s, '%'))
		}
	}
	return s
}

// appendEncoded writes visible ASCII as it is and percent-encodes every other
// octet of the UTF-8 text, the percent sign and one reserved octet.
func appendEncoded(out []byte, s string, reserved byte) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; plain(c) && c != reserved {
			out = append(out, c)
		} else {
			out = append(out, '%', digits[c>>4], digits[c&15])
		}
	}
	return out
}

func plain(c byte) bool { return c > ' ' && c < 0x7f && c != '%' }

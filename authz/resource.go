package authz

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// wellKnown is where the metadata of protected resources are (RFC 9728,
// section 3).
const wellKnown = "/.well-known/oauth-protected-resource"

// Resource is an API behind, as its clients discover it (RFC 9728): where they get
// a token for it, and what that token must be for. Requests whose path begins with
// that of its identifier, by segment, belong to it, unless a longer one's does.
type Resource struct {
	// Identifier is the address of the API, https and without a fragment. Only
	// its path is compared with requests.
	Identifier string
	// Audience are what a token of its requests must name one of, instead of the
	// audience of the token's issuer. Nil leaves that one; an empty list is an
	// error.
	Audience []string
	// Name is what people call the API. Empty is nothing.
	Name string
	// Documentation is the address of a page for its developers. Empty is none.
	Documentation string
	// AuthorizationServers are the domains of the issuers.
	AuthorizationServers []string
	// Scopes are those that a client may want to request. Nil names none.
	Scopes []string
	// InsecureHTTP allows an identifier at an http:// address. For local
	// stacks and tests only.
	InsecureHTTP bool
}

// resource is a Resource, ready for use.
type resource struct {
	identifier string
	segments   []string // of its path, decoded
	audience   []string // nil where that of the issuer counts
	number     int      // among all resources
	metadata   string   // the address of its document
	document   string
}

func (r *Resource) address() (*url.URL, error) {
	address, err := url.Parse(r.Identifier)
	switch {
	case err != nil, address.Host == "", address.User != nil, address.RawQuery != "", strings.ContainsAny(r.Identifier, "?# \""):
		return nil, fmt.Errorf("%q: want the API's address, like https://api.yourapp.com, without query and fragment", r.Identifier)
	case address.Scheme == "http" && r.InsecureHTTP, address.Scheme == "https":
	default:
		return nil, fmt.Errorf("%q: want an https:// address (RFC 9728, section 1.2)", r.Identifier)
	}
	if _, ok := canonicalPath(address.EscapedPath()); !ok && address.Path != "" {
		return nil, fmt.Errorf("%q: its path is not canonical", r.Identifier)
	}
	if strings.ContainsAny(address.Path, "{}*") {
		return nil, fmt.Errorf("%q: its path is no pattern: want the path itself, which all below it belong to", r.Identifier)
	}
	return address, nil
}

func (r *Resource) compile() (*resource, error) {
	address, err := r.address()
	if err != nil {
		return nil, at(err, "identifier")
	}
	for _, err := range []error{
		checkEach("audience", r.Audience, checkNotEmpty),
		checkEach("scopes", r.Scopes, checkScope),
		at(checkDocumentation(r.Documentation), "documentation"),
	} {
		if err != nil {
			return nil, err
		}
	}
	document, err := json.Marshal(struct {
		Resource             string   `json:"resource"`
		Name                 string   `json:"resource_name,omitempty"`
		Documentation        string   `json:"resource_documentation,omitempty"`
		AuthorizationServers []string `json:"authorization_servers,omitempty"`
		Scopes               []string `json:"scopes_supported,omitempty"`
		Methods              []string `json:"bearer_methods_supported"`
	}{r.Identifier, r.Name, r.Documentation, r.AuthorizationServers, r.Scopes, []string{"header"}})
	if err != nil {
		return nil, err
	}
	path := strings.Trim(address.EscapedPath(), "/")
	compiled := &resource{
		identifier: r.Identifier, audience: slices.Clone(r.Audience), document: string(document),
		metadata: address.Scheme + "://" + address.Host + strings.TrimSuffix(wellKnown+"/"+path, "/"),
	}
	if path != "" {
		compiled.segments = strings.Split(decoded(path), "/")
	}
	return compiled, nil
}

func checkDocumentation(page string) error {
	if page == "" {
		return nil
	}
	address, err := url.Parse(page)
	if err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http" {
		return fmt.Errorf("%q: want the address of a page, like https://docs.yourapp.com", page)
	}
	return nil
}

// Why a token is not for a resource.
var (
	errUnbound   = &kinde.Error{Reason: kinde.EmptyAudience, Detail: "aud is empty"}
	errElsewhere = &kinde.Error{
		Reason: kinde.WrongAudience, Detail: "aud names none of the audiences of the resource that the path belongs to",
	}
)

// ownAudience reports whether the resource has an audience that takes the place of
// the issuer's.
func (r *resource) ownAudience() bool { return r != nil && r.audience != nil }

// refuse reports why a token is not for the resource, nil for none, nil when it is.
func (r *resource) refuse(id *identity) *kinde.Error {
	switch {
	case !r.ownAudience():
		return id.foreign
	case id.resources.has(r.number):
		return nil
	case id.unbound:
		return errUnbound
	default:
		return errElsewhere
	}
}

var errSamePath = errors.New("another resource has the same path, and hosts are not compared")

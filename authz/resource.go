package authz

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// wellKnown is where the metadata of a protected resource are (RFC 9728,
// section 3).
const wellKnown = "/.well-known/oauth-protected-resource"

// Resource is what a client, such as one of the Model Context Protocol, needs
// to find out where to get a token for the API behind (RFC 9728).
type Resource struct {
	// Identifier is the address of the API, https and without a fragment. It
	// is the audience to request.
	Identifier string
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
	paths    [2]string // where its metadata are asked for
	metadata string    // its metadata's address
	document string
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
	return address, nil
}

func (r *Resource) compile() (*resource, error) {
	if r == nil {
		return nil, nil //nolint:nilnil // nothing is to be discovered
	}
	address, err := r.address()
	if err != nil {
		return nil, at(err, "resource", "identifier")
	}
	if err := checkEach("scopes", r.Scopes, checkScope); err != nil {
		return nil, at(err, "resource")
	}
	path := wellKnown + strings.TrimSuffix(address.EscapedPath(), "/")
	document, err := json.Marshal(struct {
		Resource             string   `json:"resource"`
		AuthorizationServers []string `json:"authorization_servers,omitempty"`
		Scopes               []string `json:"scopes_supported,omitempty"`
		Methods              []string `json:"bearer_methods_supported"`
	}{r.Identifier, r.AuthorizationServers, r.Scopes, []string{"header"}})
	if err != nil {
		return nil, at(err, "resource")
	}
	return &resource{
		paths:    [2]string{wellKnown, path},
		metadata: address.Scheme + "://" + address.Host + path,
		document: string(document),
	}, nil
}

// describedBy reports whether the request asks for the metadata.
func (r *resource) describedBy(request *Request) bool {
	if r == nil || request.Method != "GET" && request.Method != "HEAD" {
		return false
	}
	path, _, _ := strings.Cut(request.Path, "?")
	return path == r.paths[0] || path == r.paths[1]
}

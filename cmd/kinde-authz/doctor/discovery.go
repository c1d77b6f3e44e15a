package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// resourceDocument is the metadata of a protected resource (RFC 9728, section 2).
type resourceDocument struct {
	Resource string   `json:"resource"`
	Servers  []string `json:"authorization_servers"`
	Scopes   []string `json:"scopes_supported"`

	header http.Header
}

// issuerMetadata are those of an authorization server (RFC 8414, section 2).
type issuerMetadata struct {
	Issuer          string   `json:"issuer"`
	Authorization   string   `json:"authorization_endpoint"`
	Token           string   `json:"token_endpoint"`
	Registration    string   `json:"registration_endpoint"`
	Scopes          []string `json:"scopes_supported"`
	ProofKeys       []string `json:"code_challenge_methods_supported"`
	ClientDocuments bool     `json:"client_id_metadata_document_supported"`
}

// maxDocument bounds a document that a client reads.
const maxDocument = 1 << 20

// send posts a message to the server, without a token, as a page of the origin if any.
func (l *login) send(ctx context.Context, origin string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.server,
		strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, text/event-stream")
	if origin != "" {
		request.Header.Set("Origin", origin)
	}
	got, err := exchange(request, maxDocument)
	if got.status != 0 {
		err = nil // a body that does not end, as of a stream, is of no interest
	}
	return got, err
}

var (
	bearerScheme = regexp.MustCompile(`(?i)(?:^|,)\s*bearer(?:\s+|$)`)
	parameter    = regexp.MustCompile(`([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))`)
	escaped      = regexp.MustCompile(`\\(.)`)
)

// bearer returns the parameters of the challenge of that scheme (RFC 9110, section
// 11.6.1), their names in lower case; nil where there is none.
func bearer(header http.Header) map[string]string {
	for _, line := range header.Values("WWW-Authenticate") {
		scheme := bearerScheme.FindStringIndex(line)
		if scheme == nil {
			continue
		}
		parameters := map[string]string{}
		for _, found := range parameter.FindAllStringSubmatch(line[scheme[1]:], -1) {
			parameters[strings.ToLower(found[1])] = escaped.ReplaceAllString(found[2], "$1") + found[3]
		}
		return parameters
	}
	return nil
}

// checkDocument reads the document that the challenge names.
func (l *login) checkDocument(ctx context.Context, address string) (document *resourceDocument, ok bool) {
	identify := "list it in the settings as clients know it: resources: [{identifier: " + l.server + "}]"
	if !l.secure("the document", address) {
		return nil, false
	}
	document = &resourceDocument{}
	status, header, err := l.readJSON(ctx, address, document)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("it answered %d: want 200", status)
	}
	if err != nil {
		l.fail(l.check, fmt.Sprintf("the document %q cannot be read: %v", address, err),
			"let requests for it reach kinde-authz, which answers them; "+identify)
		return nil, false
	}
	document.header = header
	switch {
	case len(document.Servers) == 0:
		l.fail(l.check, "the document names no issuer (authorization_servers)", "another server answers in place of kinde-authz: remove its document")
		return nil, false
	case document.Resource == l.server:
		l.fine(l.check, "the document is that of this address, and names the issuer %q", document.Servers[0])
	case strings.HasPrefix(l.server, strings.TrimRight(document.Resource, "/")+"/"):
		l.warn(l.check, fmt.Sprintf("the document is that of %q: clients that want it to be of the very address refuse it", document.Resource), identify)
	default:
		l.fail(l.check, fmt.Sprintf("the document is that of %q: clients refuse it", document.Resource), identify)
		return nil, false
	}
	if len(document.Servers) > 1 {
		l.warn(l.check, fmt.Sprintf("the document names %d issuers: clients log in at the first, %q", len(document.Servers), document.Servers[0]),
			"put the issuer first whose users call this server")
	}
	return document, true
}

// checkMetadata reads what the issuer says of itself, where clients look for it: at the
// address of RFC 8414, section 3.1, and where nothing is there at that of OpenID
// Connect.
func (l *login) checkMetadata(ctx context.Context, issuer string) (metadata *issuerMetadata, ok bool) {
	if !l.secure("the issuer", issuer) {
		return nil, false
	}
	for _, name := range []string{"oauth-authorization-server", "openid-configuration"} {
		metadata = &issuerMetadata{}
		address := strings.TrimRight(issuer, "/") + "/.well-known/" + name
		status, _, err := l.readJSON(ctx, address, metadata)
		switch {
		case err == nil && status >= http.StatusInternalServerError:
			err = fmt.Errorf("it answered %d: want 200", status)
			fallthrough
		case err != nil:
			l.fail(l.check, fmt.Sprintf("the issuer's metadata at %q cannot be read: %v", address, err),
				"compare the domain with the one in Kinde; check DNS, TLS and egress of this machine")
			return nil, false
		case status != http.StatusOK:
			continue
		case strings.TrimRight(metadata.Issuer, "/") != strings.TrimRight(issuer, "/"):
			l.fail(l.check, fmt.Sprintf("the issuer's metadata at %q name the issuer %q: clients refuse them", address, metadata.Issuer),
				"configure that one as domain, if it is the same Kinde business")
			return nil, false
		case metadata.Authorization == "" || metadata.Token == "":
			l.fail(l.check, fmt.Sprintf("the issuer's metadata at %q do not say where to log in (authorization_endpoint, token_endpoint)", address),
				"the domain is not that of a Kinde business")
			return nil, false
		}
		l.fine(l.check, "the issuer's metadata are at %q", address)
		return metadata, true
	}
	l.fail(l.check, "the issuer has no metadata", "the domain is not that of a Kinde business")
	return nil, false
}

// readJSON gets a document as clients do, and parses one that is there.
func (l *login) readJSON(ctx context.Context, address string, into any) (status int, header http.Header, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, nil, err
	}
	got, err := exchange(request, maxDocument)
	if err == nil && got.status == http.StatusOK && json.Unmarshal(got.body, into) != nil {
		err = errors.New("it is not the JSON of such a document")
	}
	return got.status, got.header, err
}

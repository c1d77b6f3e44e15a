package doctor

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

// login looks at an MCP server as a client does that knows its address alone, up to
// where a person would log in.
//
// https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization
type login struct {
	*Report
	settings *settings.Settings
	server   string // its address, as its clients know it
	check    string
}

// checkLogin says whether an MCP client can log in.
func checkLogin(ctx context.Context, r *Report, s *settings.Settings, server string) {
	l := &login{r, s, server, "mcp " + server}
	before := len(r.findings)
	l.examine(ctx)
	ended := func(outcome Outcome) bool {
		return slices.ContainsFunc(r.findings[before:], func(f Finding) bool { return f.Outcome == outcome })
	}
	switch {
	case ended(Failed):
		r.fail(l.check, "no MCP client can log in", "change what failed above")
	case ended(Warning):
		r.warn(l.check, "an MCP client can log in only where what is warned of above was seen to", "see above, in that order")
	default:
		r.fine(l.check, "an MCP client can log in by itself")
	}
}

// examine follows the client. A step without which there is no next one ends it.
func (l *login) examine(ctx context.Context) {
	if !l.secure("the server", l.server) {
		return
	}
	asked, ok := l.checkChallenge(ctx)
	if !ok {
		return
	}
	document, ok := l.checkDocument(ctx, asked["resource_metadata"])
	if !ok {
		return
	}
	l.checkBrowser(ctx, document)
	issuer := document.Servers[0]
	metadata, ok := l.checkMetadata(ctx, issuer)
	if !ok {
		return
	}
	l.checkProofKey(metadata)
	l.checkRegistration(metadata)
	l.checkAudience(document, issuer)
	scopes := strings.Fields(asked["scope"])
	if len(scopes) == 0 {
		scopes = document.Scopes
	}
	l.checkScopes(scopes, metadata)
}

// secure looks whether clients would ask at that address at all.
func (l *login) secure(what, address string) bool {
	parsed, err := url.Parse(address)
	if err == nil && (parsed.Scheme == "https" || parsed.Scheme == "http" && slices.Contains(
		[]string{"localhost", "127.0.0.1", "::1"}, parsed.Hostname())) {
		return true
	}
	l.fail(l.check, fmt.Sprintf("%s is at %q: clients ask https:// addresses, and http:// ones on their own machine", what, address),
		"serve it at an https:// address, and name that")
	return false
}

// checkChallenge sends a message without a token. It returns the parameters of the
// challenge (RFC 6750, section 3), of which resource_metadata is one.
func (l *login) checkChallenge(ctx context.Context) (asked map[string]string, ok bool) {
	got, err := l.send(ctx, "")
	if err != nil {
		l.fail(l.check, "it cannot be asked: "+err.Error(), "name it as clients do, and check DNS, TLS and egress of this machine")
		return nil, false
	}
	asked = bearer(got.header)
	switch {
	case got.status != http.StatusUnauthorized:
		l.fail(l.check, fmt.Sprintf("a message without a token was answered with %d: want 401", got.status),
			"look at the decision in the log of kinde-authz: no route with ext_authz leads to the server, its route is public "+
				"or denied, or nothing is at this address")
	case asked == nil:
		l.fail(l.check, "its 401 has no challenge (WWW-Authenticate: Bearer)", "let kinde-authz answer: a 401 of Envoy or of the server stands in its way")
	case asked["resource_metadata"] == "":
		l.fail(l.check, "its challenge names no document (resource_metadata)",
			"list it in the settings: resources: [{identifier: "+l.server+", audience: […]}]")
	default:
		l.fine(l.check, "its 401 names the document %q", asked["resource_metadata"])
		return asked, true
	}
	return nil, false
}

// checkBrowser looks whether a page of another origin can read what a client needs.
func (l *login) checkBrowser(ctx context.Context, document *resourceDocument) {
	got, err := l.send(ctx, "https://client.example")
	if err != nil {
		l.fail(l.check, "it cannot be asked again: "+err.Error(), "try again")
		return
	}
	exposed := strings.ToLower(got.header.Get("Access-Control-Expose-Headers"))
	if got.status == http.StatusForbidden {
		return // origins says who may call
	}
	readable := readable(document.header) && readable(got.header) && strings.Contains(exposed, "www-authenticate")
	l.judge(readable, l.check, "a client in a browser can read the document and the challenge", Warning,
		"a client in a browser cannot read the document or the challenge: their Access-Control headers are missing",
		"let the headers that kinde-authz sets through: a CORS filter or another proxy removes them")
}

func readable(header http.Header) bool { return header.Get("Access-Control-Allow-Origin") == "*" }

// checkProofKey looks for PKCE, without which clients must not go on.
func (l *login) checkProofKey(m *issuerMetadata) {
	l.judge(slices.Contains(m.ProofKeys, "S256"), l.check, "the issuer says that it knows PKCE with S256", Failed,
		fmt.Sprintf("the issuer does not say that it knows PKCE with S256 (code_challenge_methods_supported is %q), "+
			"and MCP clients must refuse to go on", m.ProofKeys),
		"nothing in the settings changes that: ask Kinde's support for it, or name an issuer that says so")
}

// checkRegistration looks how the issuer gets to know a client.
func (l *login) checkRegistration(m *issuerMetadata) {
	switch {
	case m.ClientDocuments:
		l.fine(l.check, "clients need no registration: the issuer takes client ID metadata documents")
	case m.Registration != "":
		l.fine(l.check, "clients register themselves at %q", m.Registration)
	default:
		l.warn(l.check, "the issuer lets no client register itself, so one that comes with no client ID cannot log in",
			"in Kinde, add an application for the client (Applications > Add application > Front-end and mobile), add the client's "+
				"callback URL to it, and give its client ID to the client")
	}
}

// checkAudience compares what the tokens will be for with what is accepted.
func (l *login) checkAudience(document *resourceDocument, issuer string) {
	const settingsDiffer = "run the doctor with the same file, flags and environment as the service"
	resources := l.settings.Authorizer.Resources
	n := slices.IndexFunc(resources, func(r authz.Resource) bool { return r.Identifier == document.Resource })
	if n < 0 {
		l.warn(l.check, fmt.Sprintf("the settings list no resource %q, so its audience is not known", document.Resource), settingsDiffer)
		return
	}
	accepted, known := l.accepted(resources[n], issuer)
	switch {
	case !known:
		l.fail(l.check, fmt.Sprintf("the settings list no issuer %q, so its tokens are refused (wrong_issuer)", issuer), settingsDiffer)
	case accepted == nil:
		l.warn(l.check, "tokens for any API of this Kinde business pass, and tokens for none",
			"give the resource an audience")
	default:
		audience := accepted[0]
		l.warn(l.check, fmt.Sprintf("it accepts tokens for %s, and clients ask with resource=%s: Kinde documents audience= alone, "+
			"and a token that was asked for without it is for no API (empty_audience)", strings.Join(accepted, ", "), document.Resource),
			"in Kinde, add an API with the audience "+audience+" (Settings > APIs) and authorize the client's application for it; have "+
				"the client add audience="+url.QueryEscape(audience)+" to its authorization request"+also(accepted, document.Resource))
	}
}

// also is what to do for an issuer that binds tokens to resource= (RFC 8707).
func also(accepted []string, identifier string) string {
	if slices.Contains(accepted, identifier) {
		return ""
	}
	return "; with an audience that equals the identifier, tokens that are bound to resource= would be accepted too"
}

// accepted is the audience that tokens of the issuer need at a resource, nil for none.
func (l *login) accepted(r authz.Resource, issuer string) (audience []string, known bool) {
	for _, i := range l.settings.Verifier.Issuers {
		if i.Domain != strings.TrimRight(issuer, "/") {
			continue
		}
		if r.Audience != nil {
			return r.Audience, true
		}
		return i.Audience, true
	}
	return nil, false
}

// checkScopes looks at what clients will ask for.
func (l *login) checkScopes(scopes []string, m *issuerMetadata) {
	var unknown []string
	for _, scope := range scopes {
		switch {
		case scope == "offline_access":
			l.warn(l.check, "clients are told to ask for the scope offline_access, and Kinde's for refresh tokens is offline",
				"write offline in scopes of the resource or the policy")
		case m.Scopes != nil && !slices.Contains(m.Scopes, scope):
			unknown = append(unknown, scope)
		}
	}
	switch {
	case len(unknown) > 0:
		l.warn(l.check, fmt.Sprintf("clients are told to ask for scopes that the issuer's metadata do not list: %q", unknown),
			"in Kinde, add them to the API (APIs > Scopes) and grant them to the client's application")
	case len(scopes) == 0:
		l.fine(l.check, "clients need to ask for no scope")
	default:
		l.fine(l.check, "clients are told to ask for the scopes %q", scopes)
	}
}

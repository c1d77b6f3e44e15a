package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// identityPattern matches the names that an upstream may read as x-kinde-….
const identityPattern = `x[^a-z0-9]kinde[^a-z0-9].*`

// separators are the bytes that the name of a header can have beside letters
// and digits. CGI and its kin take each of them for the same.
const separators = "-_.~!#$%&'*+^`|"

// forgeries are names that an upstream may read as x-kinde-…, first those with
// one separator throughout.
var forgeries = func() (names []string) {
	for _, separator := range separators {
		names = append(names, fmt.Sprintf("x%[1]ckinde%[1]cuser%[1]cid", separator))
	}
	for _, first := range separators {
		for _, second := range separators {
			names = append(names, fmt.Sprintf("x%ckinde%cany-name", first, second))
		}
	}
	return names
}()

// overridingHeaders change the request once the decision is made: frameworks
// obey them.
var overridingHeaders = []string{"x-http-method-override", "x-original-url", "x-rewrite-url"}

// strips reports whether no client's header of that name reaches the filters.
func (m *manager) strips(name string) bool {
	if strings.Contains(name, "_") && m.dropsUnderscores() {
		return true
	}
	for _, early := range m.Early {
		for _, mutation := range early.Config.Mutations {
			if mutation.removes(name) {
				return true
			}
		}
	}
	return false
}

func (m *manager) dropsUnderscores() bool {
	return m.Protocol.Underscores == "REJECT_REQUEST" || m.Protocol.Underscores == "DROP_HEADER"
}

// shows reports whether the service sees a header of that name.
func (f *authzFilter) shows(name string) bool {
	if f.DisallowedHeaders != nil && f.DisallowedHeaders.matches(name) {
		return false
	}
	return f.AllowedHeaders == nil || f.AllowedHeaders.matches(name)
}

// lets reports whether the service can set and remove a header of that name.
func (f *authzFilter) lets(name string) bool { return f.Rules == nil || f.Rules.permits(name) }

// checkIdentity tries which forged headers get past Envoy, and past the service
// behind it.
func checkIdentity(r *Report, m *manager, f *authzFilter) {
	var kept, hidden, fixed, forged []string
	for _, name := range forgeries {
		strips, shows, lets := m.strips(name), f.shows(name), f.lets(name)
		if !strips {
			kept = append(kept, name)
		}
		if !shows {
			hidden = append(hidden, name)
		}
		if !lets {
			fixed = append(fixed, name)
		}
		if !strips && (!shows || !lets && !f.Rules.DisallowIsError) {
			forged = append(forged, name)
		}
	}
	checkStripping(r, kept, hidden, forged)
	if len(forged) == 0 && len(hidden) > 0 {
		r.warn("", "kinde-authz does not see, and cannot remove, "+examples(hidden)+
			": only the early stripping keeps them out", "let "+allowForgeries)
	}
	worse := Warning
	if slices.ContainsFunc(fixed, func(name string) bool { return slices.Contains(kept, name) }) {
		worse = Failed
	}
	checkRules(r, f, fixed, worse)
}

const (
	matchForgeries = `{safe_regex: {regex: "` + identityPattern + `"}}`
	stripForgeries = "add to early_header_mutation_extensions: remove_on_match: {key_matcher: " + matchForgeries + "}"
	allowForgeries = "allowed_headers hold " + matchForgeries + ", and disallowed_headers none of them"
	letForgeries   = `set allow_expression: {regex: "` + identityPattern + `|authorization"}`
)

func checkStripping(r *Report, kept, hidden, forged []string) {
	const forgeable = "a client can forge its identity: Envoy does not strip, and kinde-authz "
	switch {
	case len(kept) == 0:
		r.fine("", "identity headers of clients are stripped early, in every spelling")
	case len(forged) > 0 && len(hidden) > 0:
		r.fail("", forgeable+"does not see, "+examples(forged), stripForgeries+"; and let "+allowForgeries)
	case len(forged) > 0:
		r.fail("", forgeable+"may not remove, "+examples(forged), stripForgeries)
	case slices.Contains(kept, forgeries[0]):
		r.fail("", "identity headers of clients are not stripped before the filters: "+examples(kept),
			stripForgeries)
	default:
		r.warn("", "upstreams may read these as x-kinde-…, and only kinde-authz removes them: "+examples(kept),
			stripForgeries)
	}
}

// checkRules looks for headers that the service may not touch.
func checkRules(r *Report, f *authzFilter, fixed []string, worse Outcome) {
	if f.Rules == nil {
		return
	}
	effect := "the client's header stays"
	if f.Rules.DisallowIsError {
		effect = "a request that carries one fails with 500"
	}
	if slices.Contains(fixed, forgeries[0]) { // some of these are removed from every request
		worse = Failed
		if f.Rules.DisallowIsError {
			effect = "every request fails with 500"
		}
	}
	r.judge(len(fixed) == 0, "", "its rules let kinde-authz set and remove identity headers", worse,
		"decoder_header_mutation_rules do not let kinde-authz remove "+examples(fixed)+": "+effect,
		letForgeries)
}

// checkSeen looks for headers without which the service cannot decide.
func checkSeen(r *Report, f *authzFilter, dropsAuthorization bool) {
	r.judge(f.shows("authorization"), "", "kinde-authz sees Authorization", Failed,
		"kinde-authz does not see authorization: every token is missing",
		"add {exact: authorization} to allowed_headers")
	if !f.shows("connection") {
		r.warn("", "kinde-authz does not see connection, so a client can have a proxy behind Envoy drop "+
			"identity headers", "add {exact: connection} to allowed_headers")
	}
	if dropsAuthorization && !f.lets("authorization") {
		r.fail("", "decoder_header_mutation_rules do not let kinde-authz remove authorization, "+
			"as forward_authorization: false wants", letForgeries)
	}
}

// checkOverriding looks for headers that change the request after the decision.
func checkOverriding(r *Report, m *manager) {
	kept := slices.DeleteFunc(slices.Clone(overridingHeaders), m.strips)
	r.judge(len(kept) == 0, "", "headers that override the method or the path are stripped", Warning,
		"these headers pass, and some frameworks take the method or the path from them after the decision: "+
			strings.Join(kept, ", "),
		"add to early_header_mutation_extensions: remove: NAME, for each of them")
	r.judge(m.dropsUnderscores(), "", "names with underscores are refused", Warning,
		"headers_with_underscores_action is not set: many upstreams read x_forwarded_for as x-forwarded-for",
		"set common_http_protocol_options: {headers_with_underscores_action: REJECT_REQUEST}")
}

// examples names some of the headers, and counts the others.
func examples(names []string) string {
	const shown = 4
	if len(names) <= shown {
		return strings.Join(names, " ")
	}
	return fmt.Sprintf("%s and %d more like these", strings.Join(names[:shown], " "), len(names)-shown)
}

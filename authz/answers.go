package authz

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// realm is the protection space of a challenge (RFC 9110, section 11.5).
const realm = "kinde"

// answer is what the denial for one reason looks like from outside.
type answer struct {
	status      int    // of the HTTP answer
	error       string // of the body and the challenge, RFC 6750 section 3.1
	description string // for the caller: fixed words, so that nothing leaks
	hint        string // for the operator: which setting to look at

	challenge string // of every such answer, but for what the policy and the resource add
	body      string // up to the decision's ID
}

// The errors of a body, RFC 6750 section 3.1 and RFC 6749 section 4.1.2.1.
const (
	invalidRequest = "invalid_request"
	invalidToken   = "invalid_token"
	lacksScope     = "insufficient_scope"
	accessDenied   = "access_denied"
	unavailable    = "temporarily_unavailable"
	serverError    = "server_error"
)

// complete prepares what does not differ between two denials for the reason.
func (a *answer) complete(reason Reason) {
	a.challenge = `Bearer realm="` + realm + `"`
	if a.error != "" {
		a.challenge += `, error="` + a.error + `", error_description="` + a.description + `"`
	}
	text, err := json.Marshal(struct {
		Error       string `json:"error,omitempty"`
		Description string `json:"error_description"`
		Reason      Reason `json:"reason"`
		DecisionID  string `json:"decision_id"`
	}{a.error, a.description, reason, ""})
	if err != nil {
		panic(err) // strings always have a JSON form
	}
	a.body = strings.TrimSuffix(string(text), `"}`)
}

// challenges reports whether the answer tells how to get in (RFC 9110, section
// 11.6.1; RFC 6750, section 3).
func (a *answer) challenges() bool {
	return a.status == http.StatusUnauthorized || a.error == lacksScope
}

// answers holds a row for each reason of a denial.
var answers = complete(map[Reason]*answer{
	MetadataDocument: newAnswer(http.StatusOK, "", "", "nothing to change: a client asked where to get a token"),

	BadPath: newAnswer(
		http.StatusBadRequest,
		invalidRequest,
		"the path can be read in more than one way",
		"the client must send the path with the same upper and lower case as the route, without dot segments, empty segments, ; \\ # and needless escapes; normalize_path and merge_slashes in Envoy help",
	),
	BadRequest: newAnswer(
		http.StatusBadRequest,
		invalidRequest,
		"the method is not in upper case, or the Connection header names an identity header",
		"the client must send the method in upper case, and must not name x-kinde- headers in Connection: a proxy behind Envoy would drop them",
	),

	MissingToken: unauthenticated(
		"",
		"a bearer token is required",
		"the client sent no Authorization: Bearer header",
	),
	MalformedAuthorization: refusedToken(
		"the Authorization header is not one bearer token",
		"the client must send one header of the form: Authorization: Bearer TOKEN",
	),
	kinde.MalformedToken: refusedToken(
		"the access token is malformed",
		"the client must send the access token as Kinde issued it: not an API key, a refresh token or an edited copy",
	),
	kinde.UnsupportedAlgorithm: refusedToken(
		"the access token is not signed with RS256",
		"Kinde signs with RS256 alone: find out where the client got this token",
	),
	kinde.WrongIssuer: refusedToken(
		"the access token is of another issuer",
		"compare the domain configured here with the one that the application signs in to: a custom domain and its kinde.com subdomain are two issuers",
	),
	kinde.UnknownKey: refusedToken(
		"the access token is signed with an unknown key",
		"the key was rotated or revoked in Kinde, or the token is forged: sign in again",
	),
	kinde.BadSignature: refusedToken(
		"the signature of the access token is wrong",
		"the token was changed or forged",
	),
	kinde.InvalidClaims: refusedToken(
		"a claim of the access token is missing or malformed",
		"look for a workflow in Kinde that customises the token",
	),
	kinde.TokenExpired: refusedToken(
		"the access token has expired",
		"the client must refresh its token; its lifetime is set in Kinde: Applications > Tokens",
	),
	kinde.TokenNotYetValid: refusedToken(
		"the access token is not valid yet",
		"compare this machine's clock with the issuer's; leeway is how far they may differ",
	),
	kinde.EmptyAudience: refusedToken(
		"the access token is bound to no audience",
		"empty aud: bind the API to the application in Kinde (APIs > Applications) and request it with audience=",
	),
	kinde.WrongAudience: refusedToken(
		"the access token is for another audience",
		"the client must request this API with audience=; compare the API's audience in Kinde with the one configured here",
	),
	kinde.NotAnAccessToken: refusedToken(
		"the token is not an access token",
		"the client sends its ID token: it must send the access token",
	),
	kinde.UnknownActor: forbidden(
		"the access token is neither a user's nor a machine's",
		"the token has no sub and was not granted by client credentials",
	),
	NoRoute: forbidden(
		"no route matches this request",
		"add a route for this path and method, or define the policy default, which then applies to all other requests",
	),
	RouteDenied: forbidden("the route lets nobody pass", "the route has deny: true"),
	OriginNotAllowed: forbidden(
		"pages of this origin may not call here",
		"add the origin to origins of the route, as the browser writes it, if its pages may call the server",
	),
	MCPUnreadable: newAnswer(
		http.StatusBadRequest,
		invalidRequest,
		"the request is not one MCP message that can be read in one way only",
		"Envoy must send the whole body as bytes: with_request_body with pack_as_bytes: true on the filter, max_request_bytes of at most 131072 and allow_partial_message: false on the route; the client must send one JSON-RPC 2.0 message by POST, and headers that say the same",
	),
	ToolNotAllowed: forbidden(
		"this tool may not be called here",
		"no entry of tools is for it: add one to the route, if it may be called",
	),
	UnknownPolicy: forbidden(
		"the route names an unknown policy",
		"context_extensions of the Envoy route must have the key policy and no other, with the name of a configured policy",
	),
	ActorNotAllowed: forbidden(
		"this kind of actor may not pass here",
		"who may pass is listed in actors of the issuer and of the policy",
	),
	OrgMissing: forbidden(
		"the access token has no organization",
		"no org_code: sign in to an organization, and enable the claim in Kinde; scope a machine's application to one; allow_without_org of a policy lets it pass",
	),
	OrgNotAllowed: forbidden(
		"the organization may not pass here",
		"add the organization's code to allowed_orgs of the issuer and of the policy, if it should pass",
	),
	OrgMismatch: forbidden(
		"the path is another organization's",
		"{org_code} in the route must equal the token's org_code: sign in to that organization",
	),
	InsufficientScope: newAnswer(
		http.StatusForbidden,
		lacksScope,
		"the access token lacks a scope",
		"the policy's scopes: grant them to the application in Kinde (APIs > Scopes) and request them with scope=",
	),
	MissingPermission: forbidden(
		"the access token lacks a permission",
		"the policy's permissions: give the user a role with them in the organization (Kinde: Roles); a new token will have them",
	),
	MissingRole: forbidden(
		"the access token lacks a role",
		"the policy's roles: assign them in the organization, and enable the roles claim in Kinde: Applications > Tokens",
	),
	FeatureDisabled: forbidden(
		"a feature is not enabled",
		"the policy's feature_flags: set them for the user or the organization in Kinde; flags of a machine's token never count",
	),
	kinde.KeysUnavailable: newAnswer(http.StatusServiceUnavailable, unavailable,
		"the keys to verify access tokens with are not available",
		"the issuer's JWK set cannot be fetched: check DNS, egress and the configured domain"),
	kinde.Overloaded: newAnswer(http.StatusServiceUnavailable, unavailable,
		"too many access tokens are being verified",
		"a flood of new or forged tokens: give the service more processors or replicas, or limit the rate in Envoy"),
	InternalError: newAnswer(http.StatusInternalServerError, serverError,
		"the service could not decide on the request",
		"a fault of this service: look for the decision_id in its log"),
})

// Reasons returns all reasons that there are, in alphabetical order.
func Reasons() []Reason {
	return slices.Sorted(func(yield func(Reason) bool) {
		for reason := range answers {
			if !yield(reason) {
				return
			}
		}
		_ = yield(Allowed) && yield(Public)
	})
}

func complete(answers map[Reason]*answer) map[Reason]*answer {
	for reason, a := range answers {
		a.complete(reason)
	}
	return answers
}

func newAnswer(status int, error, description, hint string) *answer {
	return &answer{status: status, error: error, description: description, hint: hint}
}

func unauthenticated(error, description, hint string) *answer {
	return newAnswer(http.StatusUnauthorized, error, description, hint)
}

func refusedToken(description, hint string) *answer {
	return unauthenticated(invalidToken, description, hint)
}

func forbidden(description, hint string) *answer {
	return newAnswer(http.StatusForbidden, accessDenied, description, hint)
}

package authz

import (
	"github.com/kinde-authz/kinde-authz/kinde"
)

// Reason says in one word why a request was allowed or denied. The set is
// closed: those below, and those of package kinde for refused tokens.
type Reason = kinde.Reason

// The reasons of a decision, beside those for which a token is refused.
const (
	// Allowed is a request that may pass.
	Allowed Reason = "allowed"
	// Public is a request to a public route, which may pass without identity.
	Public Reason = "public"
	// MetadataDocument is a request for the protected resource metadata, which
	// the service answers itself.
	MetadataDocument Reason = "metadata_document"
	// BadPath is a path that is not canonical, or that would match another
	// route if case were ignored.
	BadPath Reason = "bad_path"
	// BadRequest is a request whose method is not in upper case, or whose
	// Connection header would make a proxy behind drop an identity header.
	BadRequest Reason = "bad_request"
	// NoRoute is a request that no route matches, where no policy default is
	// defined.
	NoRoute Reason = "no_route"
	// RouteDenied is a request to a route that lets nobody pass.
	RouteDenied Reason = "route_denied"
	// OriginNotAllowed is a request of a page whose origin may not speak to a
	// server of the Model Context Protocol.
	OriginNotAllowed Reason = "origin_not_allowed"
	// MCPUnreadable is a request to such a server without one message that can be
	// read in one way only.
	MCPUnreadable Reason = "mcp_unreadable"
	// ToolNotAllowed is a call of a tool that no entry of the route is for.
	ToolNotAllowed Reason = "tool_not_allowed"
	// UnknownPolicy is a policy, chosen by Envoy, that is not configured.
	UnknownPolicy Reason = "unknown_policy"
	// MissingToken and MalformedAuthorization are those of
	// [kinde.ParseAuthorization].
	MissingToken           = kinde.MissingToken
	MalformedAuthorization = kinde.MalformedAuthorization
	// ActorNotAllowed is a user where machines alone may pass, or the reverse.
	ActorNotAllowed Reason = "actor_not_allowed"
	// OrgMissing is a token without an organization where one is required.
	OrgMissing Reason = "org_missing"
	// OrgNotAllowed is a token of an organization that is not on the list.
	OrgNotAllowed Reason = "org_not_allowed"
	// OrgMismatch is a token whose organization is not the one in the path.
	OrgMismatch Reason = "org_mismatch"
	// InsufficientScope is a token without a scope that the policy wants.
	InsufficientScope Reason = "insufficient_scope"
	// MissingPermission is a token without a permission that the policy wants.
	MissingPermission Reason = "missing_permission"
	// MissingRole is a token without a role that the policy wants.
	MissingRole Reason = "missing_role"
	// FeatureDisabled is a token whose feature flags are not as the policy
	// wants them.
	FeatureDisabled Reason = "feature_disabled"
	// InternalError is a fault of this service.
	InternalError Reason = "internal_error"
)

// Package extauthz answers Envoy's external authorization calls over gRPC with the
// decisions of package authz. Most readers want [NewServer] and [NewGRPC].
//
// A call stays bytes: what a decision reads is taken from those of the
// CheckRequest, as strictly as the generated types would, and those of the
// CheckResponse are appended to a buffer. Whatever goes wrong is answered as a
// denial, never as a gRPC error, which an Envoy that is set to fail open would
// take for an allow.
//
// https://www.envoyproxy.io/docs/envoy/latest/api-v3/service/auth/v3/external_auth.proto
package extauthz

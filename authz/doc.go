// Package authz decides whether a request may pass and answers Envoy's
// external authorization calls. Most readers want [Authorizer.Decide], where a
// decision is made, and [Server], which is that decision over gRPC.
//
// A decision knows nothing of gRPC: a [Request] goes in, a [Decision] comes
// out, and an adapter such as Server translates both. A Decision allows only
// when it was made by the one constructor that says so; its zero value denies.
package authz

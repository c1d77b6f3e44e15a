// Package authz decides whether a request may pass. Most readers want
// [NewAuthorizer] and [Authorizer.Decide].
//
// A [Request] goes in, a [Decision] comes out: whether the request may pass and
// why, the headers that its upstream gets, or what its caller is answered. What
// carries the two is not known here: package extauthz is the adapter for Envoy,
// and an example shows one for net/http.
//
// A Decision allows only when it was made by one of the two constructors that say
// so; its zero value denies.
package authz

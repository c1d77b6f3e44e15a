// Package assertion signs what the upstream is told of an identity, so that the
// upstream can tell Envoy's requests from those of anyone else who reaches it. Most
// readers want [ParseKeys] and [Keys.Sign].
//
// An assertion is a JSON Web Token in compact form (RFC 7515, RFC 7519), signed with
// Ed25519 (RFC 8037) or with ECDSA on P-256 (RFC 7518, section 3.4).
package assertion

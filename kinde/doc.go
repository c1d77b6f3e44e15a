// Package kinde verifies Kinde access tokens against the keys of the issuers
// it was told to trust. Most readers want [NewVerifier], [Verifier.Run] and
// [Verifier.Verify].
//
// A [Verifier] is built from a plain [Config]; building it does no I/O. Run
// keeps the keys of every issuer fresh until its context ends, and Verify
// decides on one token with the keys that are in memory. It waits for the
// network only when a token names a key nobody has seen yet.
//
// A refused token is reported as an [*Error], whose [Reason] is one word of a
// closed set and never holds anything that came with the token.
//
// The package stands alone: what it needs to tell the outside goes through
// the callbacks of an [Observer].
package kinde

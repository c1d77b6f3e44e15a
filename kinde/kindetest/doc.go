// Package kindetest is an issuer that looks like Kinde to whoever verifies its
// tokens. Most readers want [NewServer] in tests, as they would use httptest,
// and [New] where the issuer has a listener of its own.
//
// It publishes discovery and keys, logs users in (authorization code with PKCE),
// grants client credentials, mints tokens with the claims that Kinde's
// documentation shows, mints tokens that are broken in every known way, rotates
// its keys, and fails on command. It mints for everyone who asks: it must never
// run where its tokens are trusted.
package kindetest

// Package policytest runs cases against a settings file, without a network, with the
// code that serves.
//
// The tokens of the cases are real: a key that is made in memory for the run signs
// them in the place of every issuer, and the same verifier as in the service checks
// them. Nothing else knows that key, so they pass nowhere else.
package policytest

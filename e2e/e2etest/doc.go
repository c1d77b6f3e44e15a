// Package e2etest is what the end-to-end tests and the fault suite share: files that
// are edited for a test, certificates, and waiting.
package e2etest

package result

import "strings"

// The names of groups and cases that targets and charts are about.
const (
	GroupGRPC      = "grpc"
	GroupEnvoy     = "envoy"
	GroupMemory    = "memory"
	GroupIsolation = "isolation"

	GrowthConnections = "growth by connections"
	GrowthTokens      = "growth by tokens"
	GrowthRoutes      = "growth by routes"
	GrowthIssuers     = "growth by issuers"
	GrowthHeaders     = "growth by headers"

	CaseStock = "stock"
	CaseAuthz = "kinde-authz"
	CaseOPA   = "opa-envoy"
	CaseWarm  = "warm"
	CaseCold  = "cold"
	CaseRSA   = "bare RSA"

	CaseFew     = "few tokens"
	CaseMany    = "100,000 tokens"
	CaseFlooded = "after 200,000 bad signatures"

	CaseAlone     = "good alone"
	CaseAmong     = "good among bad signatures"
	CaseElsewhere = "good, bad ones to stock"
	CaseCapacity  = "capacity, 1 good to 9 bad"
)

// CheapDenials are the denials that must cost no more than a warm allow.
var CheapDenials = []string{"missing token", "malformed token", "wrong issuer", "expired", "wrong audience"}

// Behind names a variant behind Envoy under so many connections.
func Behind(variant string, connections int) string {
	return variant + ", " + Step(connections, "connections")
}

// Step names a step of a growth: a number and what it counts, in the plural.
func Step(n int, what string) string {
	if n == 1 {
		what = strings.TrimSuffix(what, "s")
	}
	return grouped(int64(n)) + " " + what
}

package load

import (
	"math/rand/v2"
	"sync/atomic"
)

// Skewed returns a choice of 0 to n-1 that prefers low numbers, by Zipf's law
// with exponent 1.1: of 10,000 tokens, the ten most used make up half of the
// requests or so, and most of the others still come up.
func Skewed(n int, seed uint64) func() int {
	const exponent = 1.1
	zipf := rand.NewZipf(rand.New(rand.NewPCG(seed, seed)), exponent, 1, uint64(n-1)) //nolint:gosec // a load, no secret
	return func() int { return int(zipf.Uint64()) }                                   //nolint:gosec // below n
}

// InTurn returns a choice of 0 to n-1 in order and over again, shared by all
// who call it.
func InTurn(n int) func() int {
	var next atomic.Int64
	return func() int { return int((next.Add(1) - 1) % int64(n)) }
}

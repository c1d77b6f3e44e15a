//go:build race

package authz

// raceEnabled tells that the race detector is on, which makes pools forget.
const raceEnabled = true

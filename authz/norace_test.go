//go:build !race

package authz

// raceEnabled tells that the race detector is off; on, it makes pools forget.
const raceEnabled = false

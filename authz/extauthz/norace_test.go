//go:build !race

package extauthz

// raceEnabled tells that the race detector is off; on, it makes pools forget.
const raceEnabled = false

//go:build race

package extauthz

// raceEnabled tells that the race detector is on, which makes pools forget.
const raceEnabled = true

package main

import (
	"os"
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
)

const (
	// fewGarbage is the least that is let lie between two collections. With
	// the runtime's default a service with few tokens would collect dozens of
	// times a second.
	fewGarbage = 16 << 20

	// garbageShare is the most, of what lives: with a full cache of tokens
	// memory counts for more than the time of a collection.
	garbageShare = 2 // a half
)

// paceGarbage sets, after each collection of garbage, when the next one is due,
// unless the environment says (GOGC, GOMEMLIMIT).
func paceGarbage() {
	if !garbageIsPaced() {
		(&pace{}).await()
	}
}

func garbageIsPaced() bool { return os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" }

// pace is what the service lets lie, in percent of what lives.
type pace struct{ percent int }

// await waits for the next collection, and then for the one behind it.
func (p *pace) await() {
	runtime.AddCleanup(new([16]byte), func(p *pace) { p.set(); p.await() }, p)
}

func (p *pace) set() {
	sample := []runtimemetrics.Sample{{Name: "/gc/heap/live:bytes"}}
	runtimemetrics.Read(sample)
	percent := percentFor(sample[0].Value.Uint64())
	if percent != p.percent { // it stops the world for a moment
		debug.SetGCPercent(percent)
		p.percent = percent
	}
}

// percentFor is GOGC for so many bytes that live, in steps.
func percentFor(live uint64) int {
	const step = 10
	garbage := max(fewGarbage, live/garbageShare)
	return int(min(garbage*100/max(live, 1), 1000)) / step * step
}

package main

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestGarbageIsBounded(t *testing.T) {
	const mib = 1 << 20
	for live, want := range map[uint64]int{0: 1000, 1 * mib: 1000, 4 * mib: 400, 16 * mib: 100, 32 * mib: 50, 80 * mib: 50, 1 << 34: 50} {
		if got := percentFor(live); got != want {
			t.Errorf("%d bytes live: %d %%, want %d %%", live, got, want)
		}
	}
}

func TestGarbageIsPacedByWhatLives(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	heap, p := make([]byte, 64<<20), &pace{}
	runtime.GC()
	p.set()
	if got := debug.SetGCPercent(100); got != 50 {
		t.Errorf("GOGC is %d with 64 MiB that live", got)
	}
	runtime.KeepAlive(heap)
}

func TestTheEnvironmentPacesGarbage(t *testing.T) {
	for _, set := range [][2]string{{"", ""}, {"50", ""}, {"", "1GiB"}} {
		t.Setenv("GOGC", set[0])
		t.Setenv("GOMEMLIMIT", set[1])
		if got, want := garbageIsPaced(), set[0]+set[1] != ""; got != want {
			t.Errorf("%q: paced by the environment: %t", set, got)
		}
	}
}

package main

import (
	"context"
	"math"
	"runtime"
	"testing"
	"time"
)

func TestProcessorsFollowTheLoad(t *testing.T) {
	const long, short = longWait + 1, shortWait - 1
	p := &processors{most: 6, used: 1}
	for i, step := range []struct {
		load  float64 // processors' worth
		wait  time.Duration
		looks int
		want  int
	}{
		{0, 0, 100, 1}, {1, short, 100, 1}, {1, longWait, 100, 1}, {0.49, long, 100, 1}, {0.51, long, 1, 2},
		{1.9, short, 100, 2}, {1.1, long, 1, 4}, {2.1, long, 1, 6}, {6, long, 10, 6},
		{3, short, calmLooks - 1, 6}, {3, shortWait, 1, 6}, {3, short, calmLooks - 1, 6}, {4, short, 1, 6},
		{3, short, calmLooks, 3}, {1, short, calmLooks, 2}, {1, short, calmLooks, 1}, {0, 0, 200, 1},
	} {
		got := 0
		for range step.looks {
			got = p.next(step.load, step.wait)
		}
		if got != step.want {
			t.Errorf("step %d: %d processors for a load of %g and waits of %s, want %d", i, got, step.load, step.wait, step.want)
		}
	}
}

func TestNinetieth(t *testing.T) {
	bounds := []float64{math.Inf(-1), 0, 1e-3, 2e-3, math.Inf(1)}
	for want, counts := range map[time.Duration][]uint64{
		0: {0, 0, 0, 0}, time.Millisecond: {0, 0, 10, 1}, 2 * time.Millisecond: {0, 8, 0, 2},
	} {
		if got := ninetieth(counts, bounds); got != want {
			t.Errorf("%v: %s, want %s", counts, got, want)
		}
	}
}

func TestProcessorsGrowUnderLoadAndComeBackAtTheEnd(t *testing.T) {
	most := runtime.GOMAXPROCS(0)
	if most < 2 {
		runtime.GOMAXPROCS(2)
		defer runtime.GOMAXPROCS(most)
		most = 2
	}
	t.Setenv("GOMAXPROCS", "")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); followLoad(ctx) }()
	wait := func(what string, met func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !met(); {
			if time.Now().After(deadline) {
				t.Fatalf("%s: %d processors", what, runtime.GOMAXPROCS(0))
			}
		}
	}
	wait("one at first", func() bool { return runtime.GOMAXPROCS(0) == 1 })
	for range 4 { // wait for each other
		go func() {
			for ctx.Err() == nil {
				for start := time.Now(); time.Since(start) < time.Millisecond; {
				}
				runtime.Gosched()
			}
		}()
	}
	wait("more where many wait", func() bool { runtime.Gosched(); return runtime.GOMAXPROCS(0) > 1 })
	cancel()
	<-ended
	if got := runtime.GOMAXPROCS(0); got != most {
		t.Errorf("%d processors, want the %d of before", got, most)
	}
}

func TestTheEnvironmentSetsProcessors(t *testing.T) {
	t.Setenv("GOMAXPROCS", "2")
	before := runtime.GOMAXPROCS(0)
	followLoad(t.Context()) // returns at once
	if got := runtime.GOMAXPROCS(0); got != before {
		t.Errorf("%d processors", got)
	}
}

package main

import (
	"context"
	"runtime"
	"testing"
	"time"
)

func TestProcessorsFollowTheLoad(t *testing.T) {
	p := &processors{most: 6, used: 1}
	for i, step := range []struct {
		load  float64 // processors' worth
		looks int
		want  int
	}{
		{0, 100, 1}, {0.49, 100, 1}, {0.51, 1, 2}, {0.9, 100, 2}, {1.1, 1, 4}, {2.1, 1, 6}, {6, 10, 6},
		{0.1, calmLooks - 1, 6}, {3, 1, 6}, {0.1, calmLooks - 1, 6}, {0.1, 1, 3}, {0.1, calmLooks, 2}, {0.1, calmLooks, 1}, {0.1, 200, 1},
	} {
		got := 0
		for range step.looks {
			got = p.next(time.Duration(step.load*float64(time.Second)), time.Second)
		}
		if got != step.want {
			t.Errorf("step %d: %d processors for a load of %g, want %d", i, got, step.load, step.want)
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
	wait("more for a loop that never rests", func() bool { return runtime.GOMAXPROCS(0) == 2 })
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

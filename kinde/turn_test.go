package kinde

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestATurnIsWaitedForUntilTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns()
		for range cap(turns) {
			if err := turns.take(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := turns.take(ctx); err != errOverloaded || time.Since(start) != 750*time.Millisecond { //nolint:errorlint // as it is
			t.Errorf("%v after %s", err, time.Since(start))
		}
		got := make(chan error)
		go func() { got <- turns.take(ctx) }()
		synctest.Wait()
		turns.give()
		if err := <-got; err != nil {
			t.Error(err)
		}
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		if err := turns.take(canceled); err != errOverloaded { //nolint:errorlint // as it is
			t.Error(err)
		}
		for range cap(turns) {
			turns.give()
		}
		if err := turns.take(canceled); err != nil {
			t.Errorf("a turn that is free is not waited for: %v", err)
		}
	})
}

func TestWhatIsReadyGoesBeforeASignature(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const tries, most = 100, 90 // now and then the runtime goes by another order
	first, turns := 0, newTurns()
	for range tries {
		var answered atomic.Bool
		go answered.Store(true)
		if err := turns.take(t.Context()); err != nil {
			t.Fatal(err)
		}
		if answered.Load() {
			first++
		}
		turns.give()
	}
	if first < most {
		t.Errorf("what was ready went first %d times of %d", first, tries)
	}
}

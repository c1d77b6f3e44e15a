package kinde

import (
	"context"
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

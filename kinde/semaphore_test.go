package kinde

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// Attack T9: more tokens arrive than there are processors to verify them.
func TestSignaturesAreWaitedForUntilTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := make(semaphore, 3)
		for range cap(s) {
			if err := s.acquire(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err, took := s.acquire(ctx), time.Since(start)
		if err != errOverloaded || took != 750*time.Millisecond { //nolint:errorlint // as it is
			t.Errorf("%v after %s", err, took)
		}
		got := make(chan error)
		go func() { got <- s.acquire(ctx) }()
		synctest.Wait()
		s.release()
		if err := <-got; err != nil {
			t.Error(err)
		}
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.acquire(canceled); err != errOverloaded { //nolint:errorlint // as it is
			t.Error(err)
		}
		for range cap(s) {
			s.release()
		}
		if err := s.acquire(canceled); err != nil {
			t.Errorf("one that is free is not waited for: %v", err)
		}
	})
}

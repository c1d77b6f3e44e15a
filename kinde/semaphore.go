package kinde

import (
	"context"
	"time"
)

var errOverloaded = &Error{Overloaded, "too many tokens wait for their signatures to be verified"}

// semaphore bounds how many signatures are verified at a time. The others wait
// here rather than for a processor, so that what needs no verification is not held
// up by a burst of forged tokens.
type semaphore chan struct{}

// acquire waits until a signature may be verified, but leaves the caller time to
// answer before ctx's deadline. Each success ends with release.
func (s semaphore) acquire(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	default:
	}
	var late <-chan time.Time
	if deadline, ok := ctx.Deadline(); ok {
		late = time.After(time.Until(deadline) * 3 / 4)
	}
	select {
	case s <- struct{}{}:
		return nil
	case <-late:
	case <-ctx.Done():
	}
	return errOverloaded
}

func (s semaphore) release() { <-s }

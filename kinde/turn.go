package kinde

import (
	"context"
	"runtime"
	"time"
)

var errOverloaded = &Error{Overloaded, "too many tokens wait for their signatures to be verified"}

// turns bound how many signatures are verified at a time. The others wait here
// rather than for a processor, so that what needs no verification does not stand
// behind a burst of forged tokens.
type turns chan struct{}

// processors is how many there were before the program changed that.
var processors = runtime.GOMAXPROCS(0)

func newTurns() turns { return make(turns, processors) }

// take waits for a turn, but leaves the caller time to answer before ctx's
// deadline. Each turn ends with give.
func (t turns) take(ctx context.Context) error {
	runtime.Gosched() // whoever can be answered at once goes first
	select {
	case t <- struct{}{}:
		return nil
	default:
	}
	var late <-chan time.Time
	if deadline, ok := ctx.Deadline(); ok {
		late = time.After(time.Until(deadline) * 3 / 4)
	}
	select {
	case t <- struct{}{}:
		runtime.Gosched() // whoever gave the turn woke this goroutine ahead of all others
		return nil
	case <-late:
	case <-ctx.Done():
	}
	return errOverloaded
}

func (t turns) give() { <-t }

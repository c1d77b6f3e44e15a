package load

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

// Open sends requests at a rate, whatever the answers do. The times between
// them are exponential, as those of many independent clients are, and follow
// from the seed. Latency counts from when a request was due, not from when
// there was room to send it, so that a stall is not hidden.
//
// Bodies of next must stay as they are until all is answered.
func (c *Client) Open(ctx context.Context, rate float64, duration time.Duration, seed uint64, next Source) (Sample, error) {
	// Sleeping in the runtime is exact to a millisecond only; a thread of
	// its own wakes within a tenth of that.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	random := rand.New(rand.NewPCG(seed, seed))
	flights := &flights{client: c, latency: newHistogram(), fail: cancel}
	start := time.Now()
	for due := start; due.Sub(start) < duration && ctx.Err() == nil; {
		if err := sleepUntil(due); err != nil {
			return Sample{}, err
		}
		flights.send(ctx, next(), due)
		due = due.Add(time.Duration(random.ExpFloat64() / rate * float64(time.Second)))
	}
	flights.pending.Wait()
	if err := context.Cause(ctx); err != nil {
		return Sample{}, err
	}
	return newSample(time.Since(start), []*hdrhistogram.Histogram{flights.latency}), nil
}

// flights are the requests of an open loop that have no answer yet.
type flights struct {
	client  *Client
	pending sync.WaitGroup
	fail    context.CancelCauseFunc

	mu      sync.Mutex
	latency *hdrhistogram.Histogram
}

func (f *flights) send(ctx context.Context, r Request, due time.Time) {
	f.pending.Go(func() {
		if _, err := f.client.verdict(ctx, r, nil); err != nil {
			f.fail(err)
			return
		}
		took := time.Since(due)
		f.mu.Lock()
		defer f.mu.Unlock()
		record(f.latency, took)
	})
}

func sleepUntil(due time.Time) error {
	for {
		left := time.Until(due)
		if left <= 0 {
			return nil
		}
		wait := unix.NsecToTimespec(int64(left))
		if err := unix.Nanosleep(&wait, nil); err != nil && err != unix.EINTR {
			return err
		}
	}
}

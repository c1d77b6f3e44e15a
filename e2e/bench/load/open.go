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

// Flow is a part of an open load: so many requests a second to a server.
type Flow struct {
	Client *Client
	Rate   float64
	// Next makes a body that stays as it is until it is answered.
	Next Source
	// Measured says that the sample is of this flow.
	Measured bool
}

// Open sends flows of requests at their rates, whatever the answers do. The
// times between requests are exponential, as those of many independent clients
// are, and follow from the seed. Latency counts from when a request was due, not
// from when there was room to send it, so that a stall is not hidden.
func Open(ctx context.Context, duration time.Duration, seed uint64, flows ...Flow) (Sample, error) {
	// Sleeping in the runtime is exact to a millisecond only; a thread of
	// its own wakes within a tenth of that.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	total := 0.0
	for _, f := range flows {
		if err := f.Client.renew(); err != nil {
			return Sample{}, err
		}
		total += f.Rate
	}
	// Nobody waits for a server that answers no more.
	defer context.AfterFunc(ctx, func() {
		for _, f := range flows {
			_ = f.Client.Close() // the run has failed
		}
	})()
	random := rand.New(rand.NewPCG(seed, seed))
	flights := &flights{latency: newHistogram(), fail: cancel}
	start := time.Now()
	for due := start; due.Sub(start) < duration && ctx.Err() == nil; {
		if err := sleepUntil(due); err != nil {
			return Sample{}, err
		}
		flow := choose(flows, random.Float64()*total)
		flights.send(flow, due)
		if err := flow.Client.flush(); err != nil {
			cancel(err) // unless something has failed before
		}
		due = due.Add(time.Duration(random.ExpFloat64() / total * float64(time.Second)))
	}
	flights.pending.Wait()
	if err := context.Cause(ctx); err != nil {
		return Sample{}, err
	}
	return newSample(time.Since(start), []*hdrhistogram.Histogram{flights.latency}), nil
}

// choose returns the flow that a number below the sum of the rates falls on.
func choose(flows []Flow, at float64) Flow {
	for _, f := range flows {
		if at -= f.Rate; at < 0 {
			return f
		}
	}
	return flows[len(flows)-1]
}

// flights are the requests of an open load that have no answer yet.
type flights struct {
	pending sync.WaitGroup
	fail    context.CancelCauseFunc

	mu      sync.Mutex
	latency *hdrhistogram.Histogram
}

func (f *flights) send(flow Flow, due time.Time) {
	f.pending.Add(1)
	flow.Client.send(&call{Request: flow.Next(), done: func(_ *call, err error) {
		defer f.pending.Done()
		if err != nil {
			f.fail(err)
			return
		}
		if !flow.Measured {
			return
		}
		took := time.Since(due)
		f.mu.Lock()
		defer f.mu.Unlock()
		record(f.latency, took)
	}})
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

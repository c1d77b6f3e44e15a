package load

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sync/errgroup"
)

// End says when a closed loop is over: after a time, or after so many
// requests, whichever is set.
type End struct {
	After    time.Duration
	Requests int64
}

// over reports whether a worker that has sent so many of its quota is done.
func (e End) over(sent, quota int64, passed time.Duration) bool {
	if e.Requests > 0 {
		return sent >= quota
	}
	return passed >= e.After
}

// Closed keeps so many requests in flight: each worker sends the next when it
// has the last one's answer. The sources are made by source, one a worker. The
// first wrong verdict or failure ends it.
func (c *Client) Closed(ctx context.Context, end End, inFlight int, source func(worker int) Source) (Sample, error) {
	if err := c.renew(); err != nil {
		return Sample{}, err
	}
	if end.Requests > 0 {
		inFlight = min(inFlight, int(end.Requests))
	}
	latency, left := newHistogram(), inFlight
	finished := make(chan error, inFlight)
	start := time.Now()
	for w := range inFlight {
		next, quota, last, n := source(w), share(end.Requests, inFlight, w), start, int64(0)
		c.send(&call{Request: next(), done: func(r *call, err error) {
			if err != nil {
				finished <- err
				return
			}
			now := time.Now()
			record(latency, now.Sub(last))
			last = now
			if n++; !end.over(n, quota, now.Sub(start)) && ctx.Err() == nil {
				r.Request = next()
				c.send(r)
				return
			}
			if left--; left == 0 {
				finished <- nil
			}
		}})
	}
	if err := c.flush(); err != nil {
		return Sample{}, err
	}
	select {
	case err := <-finished:
		if err != nil {
			return Sample{}, err
		}
	case <-ctx.Done(): // whatever the server does
	}
	if ctx.Err() != nil {
		return Sample{}, context.Cause(ctx)
	}
	return newSample(time.Since(start), []*hdrhistogram.Histogram{latency}), nil
}

// errUnavailable is a 503, which is counted.
var errUnavailable = errors.New("unavailable")

// closed runs workers, each with a step of its own, which sends one request
// and waits for its answer.
func closed(ctx context.Context, end End, workers int, newStep func(worker int) (func(context.Context) error, error)) (Sample, error) {
	group, ctx := errgroup.WithContext(ctx)
	histograms := make([]*hdrhistogram.Histogram, workers)
	var unavailable atomic.Int64
	start := time.Now()
	for w := range workers {
		histograms[w] = newHistogram()
		step, err := newStep(w)
		if err != nil {
			return Sample{}, err
		}
		quota := share(end.Requests, workers, w)
		group.Go(func() error {
			last := time.Now()
			for n := int64(0); ; n++ {
				if end.over(n, quota, last.Sub(start)) {
					return nil
				}
				err := step(ctx)
				now := time.Now()
				switch {
				case err == nil:
					record(histograms[w], now.Sub(last))
				case errors.Is(err, errUnavailable):
					unavailable.Add(1)
				default:
					return err
				}
				last = now
			}
		})
	}
	if err := group.Wait(); err != nil {
		return Sample{}, err
	}
	sample := newSample(time.Since(start), histograms)
	sample.Unavailable = unavailable.Load()
	return sample, nil
}

// share is how many of n requests one worker of several sends.
func share(n int64, workers, worker int) int64 {
	each, rest := n/int64(workers), n%int64(workers)
	if int64(worker) < rest {
		each++
	}
	return each
}

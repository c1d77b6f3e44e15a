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

// Closed keeps so many requests in flight, each worker sending the next when
// it has the last one's answer. The sources are made by source, one a worker.
// The first wrong verdict or failure ends it.
func (c *Client) Closed(ctx context.Context, end End, inFlight int, source func(worker int) Source) (Sample, error) {
	return closed(ctx, end, inFlight, func(worker int) (func(context.Context) error, error) {
		next := source(worker)
		var buffer []byte
		return func(ctx context.Context) (err error) {
			buffer, err = c.verdict(ctx, next(), buffer)
			return err
		}, nil
	})
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
				if end.Requests > 0 && n >= quota || end.Requests == 0 && last.Sub(start) >= end.After {
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

package main

import (
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// sample is what some time of load gave. Each answer was what it should be: another
// one is an error.
type sample struct {
	latencies []time.Duration // of the answers
	took      time.Duration
}

// percentile returns the latency that p percent of the answers stay within.
func (s sample) percentile(p float64) time.Duration {
	slices.Sort(s.latencies)
	return s.latencies[int(p/100*float64(len(s.latencies)-1))]
}

// repeat does steps at the same time, each again and again, until the time is over. A
// step is told how often it was done before.
func repeat(duration time.Duration, steps []func(i int) error) (s sample, err error) {
	var group errgroup.Group
	latencies := make([][]time.Duration, len(steps))
	start := time.Now()
	for worker, step := range steps {
		group.Go(func() error {
			for i, last := 0, start; last.Sub(start) < duration; i++ {
				if err := step(i); err != nil {
					return err
				}
				now := time.Now()
				latencies[worker] = append(latencies[worker], now.Sub(last))
				last = now
			}
			return nil
		})
	}
	err = group.Wait()
	return sample{slices.Concat(latencies...), time.Since(start)}, err
}

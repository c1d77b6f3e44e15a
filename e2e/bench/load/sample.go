// Package load makes the load: CheckRequests straight to a gRPC port, in a
// closed loop ([Client.Closed]) or at a fixed rate ([Client.Open]), and HTTP
// requests through Envoy ([HTTP]). It does as little as it can, since it
// shares the machine with what is measured; still it looks at each answer.
package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Sample is what one window of load gave.
type Sample struct {
	// Requests is how many were answered, each as it should be: another
	// answer is an error of the whole window.
	Requests int64
	// Unavailable is how many got a 503 instead: a failure of the service or
	// of its connection, and no verdict. They are in no other figure.
	Unavailable int64
	// Wall is how long it took.
	Wall time.Duration

	latency *hdrhistogram.Histogram // in ns
}

const (
	shortest = int64(time.Microsecond)
	longest  = int64(time.Minute)
	digits   = 3
)

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(shortest, longest, digits) }

// newSample adds up the workers' histograms.
func newSample(wall time.Duration, workers []*hdrhistogram.Histogram) Sample {
	all := newHistogram()
	for _, worker := range workers {
		all.Merge(worker)
	}
	return Sample{Requests: all.TotalCount(), Wall: wall, latency: all}
}

// record counts an answer. One that took longer than the histogram can hold
// counts as the longest.
func record(h *hdrhistogram.Histogram, took time.Duration) {
	_ = h.RecordValue(min(max(int64(took), shortest), longest)) // always within bounds
}

// Rate returns the requests a second.
func (s Sample) Rate() float64 { return float64(s.Requests) / s.Wall.Seconds() }

// Percentile returns the latency that p percent of the requests stay within.
func (s Sample) Percentile(p float64) time.Duration {
	return time.Duration(s.latency.ValueAtPercentile(p))
}

package main

import (
	"context"
	"os"
	"runtime"
	runtimemetrics "runtime/metrics"
	"slices"
	"syscall"
	"time"
)

const (
	// lookAtLoadEvery is how soon more processors are there when they are needed.
	lookAtLoadEvery = 100 * time.Millisecond

	// longWait for a processor of one in ten goroutines asks for more of them,
	// where at least growAt of those there are is taken: else it is the
	// machine that holds them up.
	longWait = 700 * time.Microsecond
	growAt   = 0.5

	// shortWait and shrinkAt tell when half would do: shrinkAt is more than a
	// half, since decisions cost a fourth less on fewer.
	shortWait = 500 * time.Microsecond
	shrinkAt  = 0.65

	// calmLooks is how often in a row half must seem enough: going back and
	// forth would cost more than it saves.
	calmLooks = 10
)

// processors is how many the program runs on: as few as let nobody wait for one
// for long. A decision takes microseconds, and waking another processor for the
// next one takes as long, so that on more of them all decisions cost more.
type processors struct {
	most, used int
	calm       int // how often in a row half would have done
}

// followLoad sets the number of processors until ctx ends, from one to as many as
// the runtime would take, unless the environment says how many (GOMAXPROCS).
func followLoad(ctx context.Context) {
	if os.Getenv("GOMAXPROCS") != "" {
		return
	}
	p := &processors{most: runtime.GOMAXPROCS(1), used: 1}
	defer runtime.GOMAXPROCS(p.most)
	tick := time.NewTicker(lookAtLoadEvery)
	defer tick.Stop()
	waits := newWaits()
	last, spent := time.Now(), cpuTime()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, total := time.Now(), cpuTime()
		load := float64(total-spent) / float64(max(now.Sub(last), 1))
		if before := p.used; p.next(load, waits.look()) != before {
			runtime.GOMAXPROCS(p.used)
		}
		last, spent = now, total
	}
}

// next returns how many processors there are to be after a while in which the
// program kept load of them busy, and in which nine of ten goroutines waited no
// longer than wait for one.
func (p *processors) next(load float64, wait time.Duration) int {
	share := load / float64(p.used)
	switch {
	case share > growAt && wait > longWait:
		p.used, p.calm = min(2*p.used, p.most), 0
	case share < shrinkAt && wait < shortWait && p.used > 1:
		p.calm++
	default:
		p.calm = 0
	}
	if p.calm == calmLooks {
		p.used, p.calm = (p.used+1)/2, 0
	}
	return p.used
}

// cpuTime is what the program has spent so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0 // never for this process
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// waits tells how long goroutines that can run wait until they do.
type waits struct {
	sample []runtimemetrics.Sample
	before []uint64 // the counts of the last look
}

func newWaits() *waits {
	w := &waits{sample: []runtimemetrics.Sample{{Name: "/sched/latencies:seconds"}}}
	w.look()
	return w
}

// look returns how long nine of ten waited at most since the last look. Of what
// waits the runtime counts one in eight.
func (w *waits) look() time.Duration {
	runtimemetrics.Read(w.sample)
	all := w.sample[0].Value.Float64Histogram()
	fresh := slices.Clone(all.Counts)
	for i, count := range w.before {
		fresh[i] -= count
	}
	w.before = append(w.before[:0], all.Counts...)
	return ninetieth(fresh, all.Buckets)
}

// ninetieth returns the lower bound of the bucket that nine of ten are within, in
// a histogram with bounds in seconds.
func ninetieth(counts []uint64, bounds []float64) time.Duration {
	total, seen := uint64(0), uint64(0)
	for _, count := range counts {
		total += count
	}
	for i, count := range counts {
		if seen += count; 10*seen >= 9*total && seen > 0 {
			return time.Duration(max(0, bounds[i]) * float64(time.Second))
		}
	}
	return 0
}

package main

import (
	"context"
	"os"
	"runtime"
	"syscall"
	"time"
)

const (
	// lookAtLoadEvery is how soon more processors are there when they are needed.
	lookAtLoadEvery = 100 * time.Millisecond

	growAt, shrinkAt = 0.5, 0.15 // of the processors there are

	// calmLooks is how often the load must be seen to be low before there are
	// fewer again: going back and forth would cost more than it saves.
	calmLooks = 50
)

// processors is how many the program runs on: as many as its load needs. A
// decision takes microseconds, and waking another processor for the next one
// takes as long, so that on a machine of many a light load costs a third more.
type processors struct {
	most, used int
	calm       int // how often in a row fewer would have done
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
	last, spent := time.Now(), cpuTime()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, total := time.Now(), cpuTime()
		if before := p.used; p.next(total-spent, now.Sub(last)) != before {
			runtime.GOMAXPROCS(p.used)
		}
		last, spent = now, total
	}
}

// next returns how many processors there are to be after a while in which the
// program spent so much of their time. They double when half is taken, since what
// is fuller makes requests wait, and halve once a few would long have been enough.
func (p *processors) next(spent, passed time.Duration) int {
	load := float64(spent) / float64(max(passed, 1))
	switch {
	case load > growAt*float64(p.used):
		p.used, p.calm = min(2*p.used, p.most), 0
	case load > shrinkAt*float64(p.used) || p.used == 1:
		p.calm = 0
	default:
		p.calm++
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

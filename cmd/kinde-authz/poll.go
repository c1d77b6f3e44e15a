package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

const (
	// pollEvery is how often files are read to see whether they have changed.
	// That sees every way in which they can, the swap of a ConfigMap's links and
	// the writes of another machine included.
	pollEvery = time.Second

	// slowRead is how long reading may take before it counts as a fault.
	slowRead = 5 * time.Second
)

var errSlow = fmt.Errorf("not read within %s: the file system does not answer", slowRead)

// poll reads what may have changed, until ctx ends, and uses each change once it
// was found twice: a file that is being written may say less than is meant. A
// signal uses what is found next, changed or not. Reading has a goroutine of its
// own, for a network file system may never answer: then slow is used, once.
func poll[T comparable](ctx context.Context, signals <-chan os.Signal, known, slow T, read func() T, use func(T)) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var last T
	var late <-chan time.Time
	found, reading, signaled, outdated := make(chan T, 1), false, false, false
	start := func() {
		reading, late = true, time.After(slowRead)
		go func() { found <- read() }()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			signaled, outdated = true, reading
			if !reading {
				start()
			}
		case <-tick.C:
			if !reading {
				start()
			}
		case <-late:
			if known != slow {
				known = slow
				use(slow)
			}
		case now := <-found:
			reading, late = false, nil
			if outdated { // it was read before the signal
				outdated = false
				start()
				continue
			}
			if signaled || now == last && now != known {
				known = now
				use(now)
			}
			signaled, last = false, now
		}
	}
}

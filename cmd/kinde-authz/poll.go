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

	// slowRead is how long reading may take before it is given up.
	slowRead = 5 * time.Second

	// maxHung bounds the reads that were given up and have not ended: each holds a
	// thread. Beyond them only a signal begins another.
	maxHung = 32
)

var errSlow = fmt.Errorf("not read within %s: the file system does not answer; send SIGHUP when it does", slowRead)

// found is what a read found. Reads are numbered.
type found[T any] struct {
	number  int
	content T
}

// poll reads what may have changed, until ctx ends, and uses each change once it
// was found twice: a file that is being written may say less than is meant. A
// signal begins a read whose result is used, changed or not. Reading has a goroutine
// of its own, for a network file system may never answer: then slow is used, and
// another read begins.
func poll[T comparable](ctx context.Context, signals <-chan os.Signal, known, slow T, read func() T, use func(T)) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var last T
	var late <-chan time.Time // nil while nothing is read
	results := make(chan found[T])
	number, hung, signaled := 0, 0, false
	start := func() {
		if late != nil {
			hung++
		}
		number++
		late = time.After(slowRead)
		go func(number int) {
			select {
			case results <- found[T]{number, read()}:
			case <-ctx.Done():
			}
		}(number)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			signaled = true
			start()
		case <-tick.C:
			if late == nil && hung < maxHung {
				start()
			}
		case <-late:
			if signaled || known != slow {
				known = slow
				use(slow)
			}
			number, hung, late, signaled = number+1, hung+1, nil, false
		case now := <-results:
			if now.number != number { // it was given up
				hung--
				continue
			}
			late = nil
			if signaled || now.content == last && now.content != known {
				known = now.content
				use(known)
			}
			signaled, last = false, now.content
		}
	}
}

package main

import (
	"context"
	"os"
	"time"
)

// pollEvery is how often files are read to see whether they have changed. That sees
// every way in which they can, the swap of a ConfigMap's links and the writes of
// another machine included.
const pollEvery = time.Second

// poll reads what may have changed, until ctx ends, and uses each change once it
// was found twice: a file that is being written may say less than is meant. A
// signal uses what is found next, changed or not.
func poll[T comparable](ctx context.Context, signals <-chan os.Signal, known T, read func(context.Context) T, use func(T)) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var last T
	for {
		signaled := false
		select {
		case <-ctx.Done():
			return
		case <-signals:
			signaled = true
		case <-tick.C:
		}
		now := read(ctx)
		if ctx.Err() != nil {
			return
		}
		if signaled || now == last && now != known {
			known = now
			use(now)
		}
		last = now
	}
}

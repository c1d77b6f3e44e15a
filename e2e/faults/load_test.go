package faults

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load sends probes at a steady rate, whether or not those before were answered. How
// long an answer took counts from when its request was due.
type load struct {
	url     string
	clients []*http.Client // in turns: HTTP/1.1 and HTTP/2
	rate    atomic.Int64   // requests a second
	probes  atomic.Pointer[probes]
	phase   atomic.Pointer[phase]
	sending sync.WaitGroup
	stop    chan struct{}
}

// startLoad begins to send, until the test ends.
func startLoad(t *testing.T, url string, clients []*http.Client, rate int, first *probes) *load {
	t.Helper()
	l := &load{url: url, clients: clients, stop: make(chan struct{})}
	l.rate.Store(int64(rate))
	l.probes.Store(first)
	l.phase.Store(newPhase("start"))
	l.sending.Go(l.run)
	t.Cleanup(l.end)
	return l
}

// end sends no more, and waits for what is under way.
func (l *load) end() {
	close(l.stop)
	l.sending.Wait()
}

func (l *load) run() {
	due := time.Now()
	for n := 0; ; n++ {
		due = due.Add(time.Second / time.Duration(l.rate.Load()))
		select {
		case <-l.stop:
			return
		case <-time.After(time.Until(due)):
		}
		all := l.probes.Load()
		p := all.good[n/2%len(all.good)]
		if n%2 == 1 {
			p = all.bad[n/2%len(all.bad)]
		}
		during, client, at := l.enter(), l.clients[n/2%len(l.clients)], due
		l.sending.Go(func() {
			a := ask(client, p.request(l.url))
			during.leave(p, a, time.Since(at))
		})
	}
}

// enter counts a request as under way in the phase that there is.
func (l *load) enter() *phase {
	for {
		p := l.phase.Load()
		if p.enter() {
			return p
		}
	}
}

// begin begins a phase. What is under way belongs to the one before, which is returned
// once all of it was judged.
func (l *load) begin(t *testing.T, next *phase) (before *phase) {
	t.Helper()
	before = l.phase.Swap(next)
	before.close()
	return before
}

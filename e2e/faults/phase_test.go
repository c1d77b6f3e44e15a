package faults

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
)

// phase is the time of one fault, and what the requests of it got.
type phase struct {
	fault string

	mu             sync.Mutex
	idle           *sync.Cond // nothing is under way
	closed         bool
	injected       time.Time
	underWay, most int
	requests       int
	wronglyAllowed int
	wrong          int
	lost           int // good ones
	lastLost       time.Time
	latencies      []time.Duration // of good ones
	complaints     []string
	tolerates      func(probe, answer) bool

	peak   int    // memory of a replica, in bytes
	note   string // says what figure is
	figure float64
}

func newPhase(fault string) *phase {
	p := &phase{fault: fault, injected: time.Now()}
	p.idle = sync.NewCond(&p.mu)
	return p
}

func (p *phase) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.underWay++
	p.most = max(p.most, p.underWay)
	return true
}

// leave judges the answer to a request.
func (p *phase) leave(probe probe, a answer, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
	if p.underWay--; p.underWay == 0 {
		p.idle.Broadcast()
	}
	got := probe.judge(a, took)
	if probe.good() {
		p.latencies = append(p.latencies, took)
	}
	tolerated := got == wrong && p.tolerates != nil && p.tolerates(probe, a)
	switch {
	case got == wronglyAllowed:
		p.wronglyAllowed++
	case tolerated && probe.good(), got == lost && probe.good():
		p.lost++
		p.lastLost = time.Now()
	case got == wrong && !tolerated:
		p.wrong++
	}
	if got != right && !tolerated && len(p.complaints) < 5 {
		p.complaints = append(p.complaints, fmt.Sprintf("%s after %s: got %s, want %d %s",
			probe.kind, took.Round(time.Millisecond), a, probe.status, probe.reason))
	}
}

// close waits for what is under way.
func (p *phase) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for p.underWay > 0 {
		p.idle.Wait()
	}
}

// inject notes that the fault begins now.
func (p *phase) inject() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.injected = time.Now()
}

// tolerate has another answer, which only this fault excuses, be none of the wrong ones.
// A good request that gets it is lost.
func (p *phase) tolerate(excused func(probe, answer) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tolerates = excused
}

// await waits until so many more requests were judged.
func (p *phase) await(t *testing.T, more int) {
	t.Helper()
	judged := func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.requests
	}
	enough := judged() + more
	e2etest.Eventually(t, fmt.Sprintf("%d requests were judged", more), func() bool { return judged() >= enough })
}

// recovered is how long after the fault a good request was last lost.
func (p *phase) recovered() time.Duration {
	if p.lost == 0 {
		return 0
	}
	return p.lastLost.Sub(p.injected)
}

func (p *phase) percentile(percent int) time.Duration {
	if len(p.latencies) == 0 {
		return 0
	}
	slices.Sort(p.latencies)
	return p.latencies[(len(p.latencies)-1)*percent/100]
}

// keysAway excuses what the service says of keys that it cannot ask for.
func keysAway(p probe, a answer) bool {
	return p.kind == "unknown-key" && a.status == http.StatusServiceUnavailable && a.Reason == "keys_unavailable"
}

package main

import (
	"context"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// polled is a file that poll reads, with the clock of the test's bubble.
type polled struct {
	mu      sync.Mutex
	content string
	hangs   chan struct{} // until it is closed; nil: not at all
	reads   int
	used    []string
}

func (p *polled) read() string {
	p.mu.Lock()
	p.reads++
	hangs := p.hangs
	p.mu.Unlock()
	if hangs != nil {
		<-hangs
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.content
}

func (p *polled) use(now string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.used = append(p.used, now)
}

// set changes the file.
func (p *polled) set(content string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.content = content
}

// poll polls the file until the test has ended.
func (p *polled) poll(t *testing.T) (signals chan os.Signal) {
	signals = make(chan os.Signal, 1)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		poll(ctx, signals, "a", "slow", p.read, p.use)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return signals
}

// after lets time pass and wants these changes to have been used since the start.
func (p *polled) after(t *testing.T, d time.Duration, want ...string) {
	t.Helper()
	timer := time.NewTimer(d)
	<-timer.C
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Equal(p.used, want) {
		t.Errorf("%q were used, want %q", p.used, want)
	}
}

func TestPollUsesAChangeThatWasFoundTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &polled{content: "a"}
		signals := p.poll(t)
		p.after(t, 10*time.Second+pollEvery/2)
		p.set("b")
		p.after(t, pollEvery)
		p.set("bc")
		p.after(t, pollEvery)
		p.after(t, pollEvery, "bc")
		p.after(t, 10*time.Second, "bc")
		signals <- syscall.SIGHUP
		p.after(t, 0, "bc", "bc")
	})
}

// hang makes every read from now on wait until the channel is closed.
func (p *polled) hang() (hangs chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hangs = make(chan struct{})
	return p.hangs
}

// goOn lets reads that begin from now on find this content.
func (p *polled) goOn(content string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.content, p.hangs = content, nil
}

// A read that hangs is given up, and what is there later is found.
func TestPollIsNotHeldUpByAReadThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &polled{content: "a"}
		hangs := p.hang()
		p.poll(t)
		p.after(t, 30*time.Second, "slow")
		p.goOn("b")
		p.after(t, slowRead+3*pollEvery, "slow", "b")
		p.goOn("c")
		close(hangs) // what ends late finds c too, and is not used for it
		p.after(t, 0, "slow", "b")
		p.after(t, 2*pollEvery, "slow", "b", "c")
	})
}

// Few reads hang at a time; a signal begins another, and says when that hangs too.
func TestPollBeginsAReadForASignalWhileOthersHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &polled{content: "a"}
		hangs := p.hang()
		signals := p.poll(t)
		p.after(t, time.Hour, "slow")
		if p.reads != maxHung {
			t.Errorf("%d reads hang, want %d", p.reads, maxHung)
		}
		signals <- syscall.SIGHUP
		p.after(t, slowRead, "slow", "slow")
		p.goOn("b")
		signals <- syscall.SIGHUP
		p.after(t, 0, "slow", "slow", "b")
		close(hangs)
		p.goOn("c")
		p.after(t, 3*pollEvery, "slow", "slow", "b", "c")
	})
}

// The end of the test waits for poll, and the read ends behind it.
func TestPollEndsWhileAReadHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &polled{hangs: make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); poll(ctx, nil, "a", "slow", p.read, p.use) }()
		p.after(t, pollEvery+time.Millisecond)
		cancel()
		<-ended
		close(p.hangs)
	})
}

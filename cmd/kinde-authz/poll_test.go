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
	used    []string
}

func (p *polled) read(context.Context) string {
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
		poll(ctx, signals, "a", p.read, p.use)
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

// A read that is under way at the end is not used.
func TestPollEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		read := func(ctx context.Context) string { <-ctx.Done(); return "b" }
		time.AfterFunc(time.Minute, cancel)
		signals := make(chan os.Signal, 1)
		signals <- syscall.SIGHUP
		poll(ctx, signals, "a", read, func(now string) { t.Errorf("%q was used", now) })
	})
}

package main

import (
	"context"
	"os"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/kinde-authz/kinde-authz/kinde"
)

const (
	// readyTimeout is how long a start waits for keys at most before it counts as
	// done: an issuer that is away is no reason to hang, or to fail, a start.
	readyTimeout = 5 * time.Second

	// maxStates bounds what waits for a systemd that does not read.
	maxStates = 16
)

// What systemctl status shows.
const (
	servingStatus = "STATUS=serving"
	waitingStatus = "STATUS=not serving: no issuer's keys could be fetched yet; tokens get 503"
)

// notifier tells systemd how the service is (sd_notify(3)). One goroutine does, so that
// nobody waits for a socket that nobody reads: what finds the queue full is dropped. A
// nil one, where there is no systemd, tells nobody.
type notifier struct {
	states          chan string
	begun           atomic.Bool // READY was told
	status          atomic.Pointer[string]
	stopped, ended  chan struct{}
	watchdogTimeout time.Duration // 0 without
}

// newNotifier returns nil unless systemd wants to be told (NOTIFY_SOCKET).
func newNotifier() *notifier {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return nil
	}
	n := &notifier{states: make(chan string, maxStates), stopped: make(chan struct{}), ended: make(chan struct{})}
	n.watchdogTimeout, _ = daemon.SdWatchdogEnabled(false) // one that makes no sense is none
	go n.run()
	return n
}

func (n *notifier) run() {
	defer close(n.ended)
	for {
		select {
		case state := <-n.states:
			_, _ = daemon.SdNotify(false, state) // there is nobody else to tell
		case <-n.stopped:
			for len(n.states) > 0 {
				_, _ = daemon.SdNotify(false, <-n.states)
			}
			return
		}
	}
}

func (n *notifier) send(state string) {
	if n == nil {
		return
	}
	select {
	case n.states <- state:
	default: // systemd does not read
	}
}

// started tells that the start is done: once there are keys, or some time without.
func (n *notifier) started(ctx context.Context, verifier *kinde.Verifier) {
	if n == nil {
		return
	}
	waiting, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	_ = verifier.WaitReady(waiting) // what it comes to is asked next
	if ctx.Err() != nil {
		return
	}
	n.begun.Store(true)
	n.send(daemon.SdNotifyReady)
	n.ready(verifier.Ready())
}

// ready tells whether tokens can be decided on, when that has changed.
func (n *notifier) ready(ready bool) {
	if n == nil {
		return
	}
	status := waitingStatus
	if ready {
		status = servingStatus
	}
	if before := n.status.Swap(&status); before == nil || *before != status {
		n.send(status)
	}
}

// reloading and reloaded enclose a change of settings.
func (n *notifier) reloading() {
	if n != nil && n.begun.Load() {
		n.send(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
	}
}

func (n *notifier) reloaded() {
	if n != nil && n.begun.Load() {
		n.send(daemon.SdNotifyReady)
	}
}

// stopping tells that it drains.
func (n *notifier) stopping() { n.send(daemon.SdNotifyStopping + "\nSTATUS=draining") }

// watch tells the watchdog, twice in its time, that the service is alive, until it
// stops. While alive does not return, nothing is told, and systemd restarts the service.
func (n *notifier) watch(alive func()) {
	if n == nil || n.watchdogTimeout <= 0 {
		return
	}
	tick := time.NewTicker(n.watchdogTimeout / 2)
	defer tick.Stop()
	for {
		alive()
		n.send(daemon.SdNotifyWatchdog)
		select {
		case <-tick.C:
		case <-n.stopped:
			return
		}
	}
}

// stop tells what waits, as far as the time allows.
func (n *notifier) stop() {
	if n == nil {
		return
	}
	close(n.stopped)
	select {
	case <-n.ended:
	case <-time.After(flushTimeout):
	}
}

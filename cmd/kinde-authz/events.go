package main

import (
	"strings"
	"sync"
	"time"
)

// maxEventText bounds what is kept of an error, in bytes.
const maxEventText = 400

// event is something that happened, once there is a time.
type event struct {
	at   time.Time
	text string // of the error, empty where it went well
}

// eventOf is what happened now.
func eventOf(err string) event { return event{time.Now(), oneLine(err)} }

// oneLine is the first line of an error, without what looks like a token. Those about the
// settings file go on with lines of the file.
func oneLine(err string) string {
	first, _, _ := strings.Cut(err, "\n")
	masked := string(mask([]byte(first)))
	return strings.ToValidUTF8(masked[:min(len(masked), maxEventText)], "")
}

// events are the last of each kind, for the status page.
type events struct {
	start time.Time

	mu                sync.Mutex
	reload, tlsReload event
	fetchErrors       map[string]event // the last one of each issuer
}

func newEvents() *events { return &events{start: time.Now(), fetchErrors: make(map[string]event)} }

func (e *events) reloaded(err string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reload = eventOf(err)
}

func (e *events) reloadedTLS(err string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tlsReload = eventOf(err)
}

func (e *events) fetchFailed(issuer, err string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fetchErrors[issuer] = eventOf(err)
}

// reloads returns the last of each kind.
func (e *events) reloads() (settings, tls event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.reload, e.tlsReload
}

// fetchError returns the last error in fetching an issuer's keys.
func (e *events) fetchError(issuer string) event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.fetchErrors[issuer]
}

package playground

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
)

const (
	// marker is the header by which a request of the page is known to the agent.
	marker = "X-Playground-Request"
	// kept is how many log lines are remembered.
	kept = 200
)

// line is one of a log, as the log has it and as what is read of it.
type line struct {
	number int
	text   json.RawMessage
	entry
}

// entry is what is read of a line of either log. A field that is missing is empty.
type entry struct {
	Message    string      `json:"msg"`
	DecisionID string      `json:"decision_id"`
	RequestID  string      `json:"request_id"`
	Decision   string      `json:"decision"`
	Reason     string      `json:"reason"`
	Method     string      `json:"method"`
	Status     json.Number `json:"status"`
	Details    string      `json:"details"`
	Hint       string      `json:"hint"`
	Error      string      `json:"error"`
	Policy     string      `json:"policy"`
}

// seen is what the page has seen of a stack.
type seen struct {
	mu       sync.Mutex
	lines    map[string][]line // by log
	number   int               // of the last line
	requests map[string]http.Header
	changed  chan struct{} // closed and made anew when there is more to see
}

// The logs.
const (
	authzLog = "kinde-authz"
	envoyLog = "envoy"
)

func newSeen() *seen {
	return &seen{lines: map[string][]line{}, requests: map[string]http.Header{}, changed: make(chan struct{})}
}

func (s *seen) decisions() io.Writer { return s.log(authzLog) }
func (s *seen) access() io.Writer    { return s.log(envoyLog) }

// log remembers the lines of a log that are JSON.
func (s *seen) log(name string) io.Writer {
	return process.Lines(func(text []byte) {
		if !json.Valid(text) {
			return
		}
		l := line{text: append(json.RawMessage(nil), text...)}
		_ = json.Unmarshal(text, &l.entry) // a field of another type stays empty
		s.mu.Lock()
		defer s.mu.Unlock()
		s.number++
		l.number = s.number
		s.lines[name] = append(s.lines[name], l)
		s.lines[name] = s.lines[name][max(0, len(s.lines[name])-kept):]
		s.change()
	})
}

// arrived remembers the headers of a request of the page.
func (s *seen) arrived(r *http.Request) {
	id := r.Header.Get(marker)
	if id == "" {
		return
	}
	headers := r.Header.Clone()
	headers.Del(marker)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, sent := s.requests[id]; sent {
		s.requests[id] = headers
	}
}

// expect has the headers of a request of the page remembered, until it is forgotten.
func (s *seen) expect(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[id] = nil
}

func (s *seen) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, id)
}

// headersOf are the headers of a request of the page that the agent got, nil when it got
// none.
func (s *seen) headersOf(id string) http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[id]
}

// change wakes who waits. The mutex is held.
func (s *seen) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// wake has who waits look again.
func (s *seen) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change()
}

// position is the number of the last line.
func (s *seen) position() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.number
}

// after returns the lines of a log after a position, and what is closed when there are
// more.
func (s *seen) after(log string, position int) ([]line, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []line
	for _, l := range s.lines[log] {
		if l.number > position {
			found = append(found, l)
		}
	}
	return found, s.changed
}

// await waits for a line after a position, and returns an empty one when it does not come
// in time.
func (s *seen) await(ctx context.Context, log string, position int, is func(*line) bool) line {
	for {
		lines, changed := s.after(log, position)
		for n := range lines {
			if is(&lines[n]) {
				return lines[n]
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return line{}
		}
	}
}

package playground

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// state is how the parts of the stack are.
type state struct {
	Running bool             `json:"running"` // kinde-authz
	Outage  kindetest.Outage `json:"outage"`
	KeyID   string           `json:"key_id"`
}

func (p *Playground) state() state {
	p.mu.Lock()
	defer p.mu.Unlock()
	return state{p.stack.Running(), p.outage, p.stack.Issuer.KeyID()}
}

// decided is a decision as it is listed.
type decided struct {
	Status int             `json:"status"`
	Line   json.RawMessage `json:"line"`
}

// serveEvents tells each decision, those so far first, and each state, as server-sent
// events.
//
// https://html.spec.whatwg.org/multipage/server-sent-events.html
func (p *Playground) serveEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	position, last := 0, state{}
	for {
		lines, changed := p.seen.after(authzLog, position)
		if now := p.state(); now != last {
			tell(w, "state", now)
			last = now
		}
		for _, l := range lines {
			position = l.number
			if l.Decision != "" {
				tell(w, "decision", decided{StatusOf(l.Reason), l.text})
			}
		}
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

// tell writes an event. A browser that has gone is noticed when it is flushed.
func tell(w http.ResponseWriter, name string, data any) {
	text, err := json.Marshal(data)
	if err == nil {
		fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, text)
	}
}

// StatusOf is the status of the answer to a request that was decided for a reason: 200 for
// an allow, and 0 for a reason of another version.
func StatusOf(reason string) int {
	switch r := authz.Reason(reason); {
	case r == authz.Allowed || r == authz.Public:
		return http.StatusOK
	case !slices.Contains(authz.Reasons(), r):
		return 0
	default:
		decision := authz.Decision{Reason: r}
		return decision.Status()
	}
}

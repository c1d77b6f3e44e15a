package extauthz

import (
	"strings"
	"time"

	"github.com/kinde-authz/kinde-authz/authz"
)

// Observation is what there is to know about one call.
type Observation struct {
	// Decision is what was decided.
	Decision *authz.Decision
	// Start is when the call was read, and Took how long the decision took,
	// without the network.
	Start time.Time
	Took  time.Duration
	// Trace is that of the request that Envoy asks about.
	Trace TraceContext
}

// observation is the call for whoever observes.
func (c *call) observation() *Observation {
	c.observed.Decision = &c.decision
	return &c.observed
}

// TraceContext are the headers that say which trace a request belongs to, as they
// came: nobody has looked at what is in them.
//
// https://www.w3.org/TR/trace-context/
type TraceContext struct{ Parent, State string }

// maxState is how long the value of tracestate may be, in bytes, for further lines of
// it to be read. Whoever passes it on may drop what is longer.
const maxState = 512

// add takes a header if it is one of the two, and reports whether it is.
func (t *TraceContext) add(name, value string) bool {
	switch {
	case len(name) == len("traceparent") && strings.EqualFold(name, "traceparent"):
		if t.Parent != "" {
			value = "," // two are none
		}
		t.Parent = value
	case len(name) == len("tracestate") && strings.EqualFold(name, "tracestate"):
		switch {
		case t.State == "":
			t.State = value
		case len(t.State) <= maxState:
			t.State += "," + value
		}
	default:
		return false
	}
	return true
}

package main

import (
	"github.com/kinde-authz/kinde-authz/e2e/bench/load"
)

// path is what the requests are for.
const path = "/api/agents/weather"

// few is how many tokens a few are.
const few = 16

// inFlight is how many requests Envoy's one connection carries at a time.
const inFlight = 64

// sources makes a source for each worker.
type sources func(worker int) load.Source

// list takes turns at requests that are ready; each worker starts elsewhere.
func list(requests []load.Request) sources {
	return func(worker int) load.Source {
		n := worker
		return func() load.Request {
			n++
			return requests[n%len(requests)]
		}
	}
}

// chosen takes requests that are ready as a choice of each worker's tells.
func chosen(requests []load.Request, choice func(worker int) func() int) sources {
	return func(worker int) load.Source {
		next := choice(worker)
		return func() load.Request { return requests[next()] }
	}
}

// filled makes each request when it is sent: the template with the token of
// the next number. The choice is shared by all workers.
func filled(template load.Template, allow bool, choice func() int, token func(dst []byte, i int) []byte) sources {
	return func(int) load.Source {
		var body []byte
		return func() load.Request {
			i := choice()
			body = template.Append(body[:0], func(dst []byte) []byte { return token(dst, i) })
			return load.Request{Body: body, Allow: allow}
		}
	}
}

// template returns the usual CheckRequest.
func (b *bench) template() (load.Template, error) {
	return load.NewTemplate(b.pool.Length(), path, 2)
}

// good returns requests with the first n tokens.
func (b *bench) good(template load.Template, n int) []load.Request {
	requests := make([]load.Request, n)
	for i := range requests {
		body := template.Append(nil, func(dst []byte) []byte { return b.pool.Append(dst, i) })
		requests[i] = load.Request{Body: body, Allow: true}
	}
	return requests
}

// settings are those of kinde-authz for the pool's tokens, without a routes
// list, and with what more is given.
func (b *bench) settings(more map[string]any) map[string]any {
	settings := map[string]any{
		"issuers": []any{b.issuer(domain)},
		"log":     map[string]any{"sample_allows": b.sampleAllows},
	}
	for name, value := range more {
		settings[name] = value
	}
	return settings
}

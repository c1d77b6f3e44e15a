// Package playground is a page, for the developer's own browser, on what happens to a
// request in a running [stack.Stack]. It mints tokens, edits the settings of kinde-authz
// and breaks things, so it listens on the loopback interface alone and obeys no other
// page. Most readers want [New].
package playground

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// maxBody is how much a request to the page may hold, in bytes.
const maxBody = 512 << 10

// Playground is the page. Its methods are called in the order of their names here: New,
// Serve, Close.
type Playground struct {
	address string
	seen    *seen
	stack   *stack.Stack
	program string // kinde-dev, for a shell
	blind   bool   // what arrives at the upstream is not seen: it is the developer's own
	server  *http.Server

	saving sync.Mutex // held while settings are tried, for seconds: those that are refused are taken back
	mu     sync.Mutex // guards outage
	outage kindetest.Outage
}

// New returns a page for a stack that is yet to start with the configuration, to which it
// adds what it has to see.
func New(config *stack.Config) *Playground {
	p := &Playground{address: cmp.Or(config.Playground, "127.0.0.1:0"), seen: newSeen(), blind: config.Upstream != ""}
	config.Decisions, config.Access, config.Arrived = p.seen.decisions(), p.seen.access(), p.seen.arrived
	return p
}

// Serve shows the page for the stack that runs, and returns its URL. The program is
// kinde-dev, as a shell takes it.
func (p *Playground) Serve(s *stack.Stack, program string) (url string, err error) {
	p.stack, p.program = s, program
	listener, err := net.Listen("tcp", p.address)
	if err != nil {
		return "", err
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	p.server = &http.Server{Handler: guard(port, p.routes()), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = p.server.Serve(listener) }() // it ends when it is closed
	return "http://localhost:" + port, nil
}

// Close ends it.
func (p *Playground) Close() { _ = p.server.Close() } // its connections end with the process

func (p *Playground) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", servePage)
	mux.HandleFunc("GET /page/{file}", servePage)
	mux.HandleFunc("GET /api/start", p.serveStart)
	mux.HandleFunc("GET /api/events", p.serveEvents)
	mux.HandleFunc("POST /api/send", answer(p.send))
	mux.HandleFunc("POST /api/settings", answer(p.changeSettings))
	mux.HandleFunc("POST /api/break", answer(p.breakIt))
	return mux
}

// start is what the page needs to know first.
type start struct {
	Scenes    []scene  `json:"scenes"`
	Broken    []string `json:"broken"`
	Sample    sample   `json:"sample"`
	Envoy     string   `json:"envoy"`
	Settings  string   `json:"settings"`
	Path      string   `json:"settings_path"`
	MCPPath   string   `json:"mcp_path"`
	AgentPath string   `json:"agent_path"`
}

// sample is what a token has unless it is asked for something else.
type sample struct {
	User, Machine kindetest.Claims
}

func (p *Playground) serveStart(w http.ResponseWriter, _ *http.Request) {
	settings, err := p.settings()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answerJSON(w, start{
		Scenes: scenes(), Broken: kindetest.BrokenNames(), Envoy: p.stack.URL, Settings: settings, Path: p.stack.Settings,
		Sample:    sample{p.stack.Issuer.UserClaims(), p.stack.Issuer.MachineClaims()},
		AgentPath: stack.AgentPath, MCPPath: agent.MCPPath,
	})
}

// wrongError is what the person at the page can mend.
type wrongError struct{ error }

func wrong(format string, args ...any) error { return wrongError{fmt.Errorf(format, args...)} }

// answer serves a function of a JSON document that answers with another.
func answer[In, Out any](do func(*http.Request, In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		body := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		body.DisallowUnknownFields()
		if err := body.Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		out, err := do(r, in)
		var mendable wrongError
		switch {
		case errors.As(err, &mendable):
			http.Error(w, err.Error(), http.StatusBadRequest)
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		default:
			answerJSON(w, out)
		}
	}
}

func answerJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // the page has gone: nothing to tell it
}

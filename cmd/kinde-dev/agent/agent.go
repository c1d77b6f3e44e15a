// Package agent is a sample upstream: an agent service that answers with the
// identity it was given. Most readers want [Handler], and [Require] before it.
package agent

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/coder/websocket"
)

// Seen is what the agent answers: the request as it arrived.
type Seen struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	// Identity holds each header that an upstream could take for one of
	// kinde-authz, with all its values. CGI, FastCGI and WSGI servers fold each
	// byte of a name that is no letter or digit.
	Identity map[string][]string `json:"identity"`
	// Authorization tells whether that header arrived.
	Authorization bool `json:"authorization"`
}

// Handler serves the agent: GET /stream as server-sent events, GET /ws as a
// WebSocket that sends back what it gets, GET /health for itself, a server of the
// Model Context Protocol at [MCPPath], and on every other path what it has [Seen].
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /stream", stream)
	mux.HandleFunc("GET /ws", echo)
	mux.Handle(MCPPath, stations())
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(see(r)) // the client has gone: nothing to tell it
	})
	return mux
}

func see(r *http.Request) Seen {
	return Seen{
		Method: r.Method, Path: r.URL.Path, Identity: identity(r.Header), Authorization: r.Header.Get("Authorization") != "",
	}
}

// identity are the headers that an upstream could take for ones of kinde-authz.
func identity(headers http.Header) map[string][]string {
	all := make(map[string][]string)
	for name, values := range headers {
		name = strings.ToLower(name)
		if strings.HasPrefix(strings.Map(fold, name), "x-kinde") {
			all[name] = values
		}
	}
	return all
}

// fold takes a character of a lower-case name that is no letter or digit for a
// hyphen.
func fold(char rune) rune {
	if 'a' <= char && char <= 'z' || '0' <= char && char <= '9' {
		return char
	}
	return '-'
}

// stream sends the identity in three events, each as soon as it is written.
func stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for n := range 3 {
		fmt.Fprintf(w, "data: %d %s\n\n", n, r.Header.Get("X-Kinde-Actor"))
		_ = http.NewResponseController(w).Flush() // the client has gone: the next write says so too
	}
}

// echo greets with the actor and then sends back each message.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = conn.CloseNow() }() // it may be closed already
	kind, message := websocket.MessageText, []byte(r.Header.Get("X-Kinde-Actor"))
	for err == nil {
		if err = conn.Write(r.Context(), kind, message); err == nil {
			kind, message, err = conn.Read(r.Context())
		}
	}
}

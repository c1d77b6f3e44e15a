// Command nethttp is a net/http server behind Envoy and kinde-authz. It prints the
// address that it listens on.
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	v := &verifier{url: os.Getenv("ASSERTION_JWKS"), audience: os.Getenv("ASSERTION_AUDIENCE"), issuer: "kinde-authz"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/whoami", func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(r.Context().Value(identityKey{})) // a client that has gone
	})
	mux.Handle("/mcp", tools())
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", cmp.Or(os.Getenv("PORT"), "0")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	server := &http.Server{Handler: v.require(mux), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.Serve(listener))
}

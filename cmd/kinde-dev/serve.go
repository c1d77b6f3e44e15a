package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

type issuerCommand struct {
	Listen string `default:":9100" help:"Address to listen on."`
	URL    string `default:"http://localhost:9100" help:"The issuer's URL, which is iss of its tokens; kinde-authz must reach the issuer there."`
	loginFlags
}

// loginFlags say how users log in.
type loginFlags struct {
	LoginPage          bool `help:"Show a page that asks who logs in, with which permissions. Without it the sample user is logged in at once."`
	ResourceIndicators bool `help:"Make resource= (RFC 8707) an audience of the token, as MCP clients expect it and Kinde does not document it. Without it audience= alone is one."`
}

// Run serves an issuer until a signal ends it.
func (c *issuerCommand) Run() error {
	issuer := kindetest.New(c.URL)
	issuer.LoginPage, issuer.ResourceIndicators = c.LoginPage, c.ResourceIndicators
	return serve(c.Listen, issuer)
}

type agentCommand struct {
	Listen string `default:":8000" help:"Address to listen on."`
}

// Run serves the agent until a signal ends it.
func (c *agentCommand) Run() error { return serve(c.Listen, agent.Handler()) }

func serve(address string, handler http.Handler) error {
	ctx, stop := untilSignal()
	defer stop()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "listening on", listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { <-ctx.Done(); _ = server.Close() }() // Serve below says how it ended
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func untilSignal() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
}

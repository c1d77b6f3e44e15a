// Package stack runs everything that a request passes on one machine: an
// issuer and an agent in this process, the built kinde-authz and a real Envoy
// as child processes. Most readers want [Start].
package stack

import (
	"context"
	"crypto"
	_ "embed"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/agent"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// SampleSettings guard the tools of the sample agent.
//
//go:embed settings.yaml
var SampleSettings string

// SampleIssuers are what can go before the [SampleSettings], for a file that says all.
//
//go:embed issuers.yaml
var SampleIssuers string

// AllowedOrgs are the organizations that may pass.
const AllowedOrgs = "org_acme,org_globex"

// Config says what to run and where. An address whose port is 0, or that is
// empty, gets one from the kernel.
type Config struct {
	// Authz and Envoy are the paths of the programs.
	Authz, Envoy string
	// EnvoyConfig is the path of the project's envoy.yaml.
	EnvoyConfig string
	// Issuer, Agent, AuthzGRPC, AuthzAdmin, Listener and EnvoyAdmin are
	// addresses to listen on.
	Issuer, Agent, AuthzGRPC, AuthzAdmin, Listener, EnvoyAdmin string
	// Upstream is the address of an upstream that runs already: Envoy sends
	// requests there, and no agent is started.
	Upstream string
	// Outage is how the issuer fails from the start, if at all.
	Outage kindetest.Outage
	// LoginPage and ResourceIndicators are those of the issuer.
	LoginPage, ResourceIndicators bool
	// Settings are those of kinde-authz's file. Empty is no file. Where ISSUER_URL
	// stands in them, they name the issuers; else the environment names the one. Where
	// ASSERTION_KEY stands in them, the agent believes an identity only with an assertion
	// by that key.
	Settings string
	// SettingsFile is the path of a file that is there already, for use instead of
	// Settings: kinde-authz reads it as it is, and its issuers are the file's own.
	SettingsFile string
	// Discoverable makes the MCP server a resource, so that its clients find out where
	// to log in. It needs Settings, not a SettingsFile.
	Discoverable bool
	// AuthzEnv is more of kinde-authz's environment.
	AuthzEnv []string
	// Logs is the folder of the files that the children's logs are written to;
	// without it they are kept in memory.
	Logs string
	// Decisions gets a copy of kinde-authz's log, Access one of Envoy's, if any.
	Decisions, Access io.Writer
	// Arrived is told each request that the agent gets, if any.
	Arrived func(*http.Request)
	// Playground is an address that must be free too, for the page of the stack.
	Playground string
	// Progress is told each step of the start, if any.
	Progress func(step string)
	// Warn is told what the SettingsFile lacks for the issuer's tokens to pass, and that
	// nothing listens on Upstream, and what to do, if anything.
	Warn func(warning string)
}

// Stack is a running stack.
type Stack struct {
	// Issuer is the issuer, which can be rotated and made to fail.
	Issuer *kindetest.Issuer
	// URL is Envoy's listener, EnvoyAdmin its admin port.
	URL, EnvoyAdmin string
	// AuthzGRPC is the address of kinde-authz, AuthzAdmin the URL of its
	// admin port.
	AuthzGRPC, AuthzAdmin string
	// Agent is the address of the agent, or of the upstream in its place.
	Agent string
	// Settings is the path of kinde-authz's file, empty without one.
	Settings string
	// AssertionAudience is the audience of the assertions that the file names at the
	// start, empty when there are none.
	AssertionAudience string
	// AuthzLog and EnvoyLog are what the children print.
	AuthzLog, EnvoyLog process.Log
	// Authz and Envoy are the processes.
	Authz, Envoy *process.Process

	servers []*http.Server
	dir     string
	foreign bool // the settings do not name the issuer

	authz    string     // the path of the program
	authzEnv []string   // its environment
	restarts sync.Mutex // held while kinde-authz is ended or started
	mu       sync.Mutex // guards Authz once the stack runs, and told
	told     map[*process.Process]bool
	ended    chan error
}

// Start starts the stack and waits until a request can pass, or, with an outage or
// a SettingsFile for other issuers, until all of it listens. When it fails nothing is left behind.
func Start(ctx context.Context, config Config) (*Stack, error) {
	s := &Stack{ended: make(chan error, 1), told: map[*process.Process]bool{}}
	if err := s.start(ctx, config); err != nil {
		s.Stop()
		return nil, err
	}
	go s.watch("kinde-authz", s.Authz, &s.AuthzLog)
	go s.watch("envoy", s.Envoy, &s.EnvoyLog)
	return s, nil
}

func (s *Stack) start(ctx context.Context, config Config) error {
	var err error
	if s.dir, err = os.MkdirTemp("", "kinde-dev-"); err != nil {
		return err
	}
	if err := config.checkFree(); err != nil {
		return err
	}
	if err := s.openLogs(config); err != nil {
		return err
	}
	config.progress(config.firstStep())
	s.Issuer = kindetest.New("")
	s.Issuer.LoginPage, s.Issuer.ResourceIndicators = config.LoginPage, config.ResourceIndicators
	if err := s.Issuer.Fail(config.Outage); err != nil {
		return err
	}
	issuer, err := net.Listen("tcp", orAny(config.Issuer))
	if err != nil {
		return fmt.Errorf("the issuer: %w", err)
	}
	_, port, _ := net.SplitHostPort(issuer.Addr().String())
	s.Issuer.URL = "http://localhost:" + port // before anybody asks it
	s.serve(issuer, s.Issuer)
	key, err := s.useSettings(&config)
	if err != nil {
		return err
	}
	if err := s.startAgent(ctx, &config, key); err != nil {
		return err
	}
	config.progress("starting kinde-authz")
	if err := s.startAuthz(ctx, config); err != nil {
		return err
	}
	config.progress("starting Envoy")
	err = s.startEnvoy(ctx, config, addresses{
		listener: orAny(config.Listener), admin: orAny(config.EnvoyAdmin), authz: s.AuthzGRPC, agent: s.Agent,
	})
	if err != nil || config.Outage != "" || s.foreign {
		return err
	}
	if config.Discoverable {
		if err := s.discoverable(ctx); err != nil {
			return err
		}
	}
	config.progress("waiting for Envoy's health check of kinde-authz")
	return s.untilRouted(ctx)
}

// startAgent starts the sample agent, unless an upstream takes its place.
func (s *Stack) startAgent(ctx context.Context, config *Config, key crypto.PublicKey) error {
	if config.Upstream != "" {
		s.Agent = config.upstream(ctx)
		return nil
	}
	listener, err := net.Listen("tcp", orAny(config.Agent))
	if err != nil {
		return fmt.Errorf("the agent: %w", err)
	}
	s.serve(listener, config.agent(key))
	s.Agent = listener.Addr().String()
	return nil
}

// untilRouted waits until Envoy asks kinde-authz.
func (s *Stack) untilRouted(ctx context.Context) error {
	return s.Envoy.Until(ctx, "its health check of kinde-authz", func() bool { return s.routes(ctx) })
}

// agent is the sample agent, which tells what arrives. With a key it believes no identity
// without an assertion.
func (c *Config) agent(key crypto.PublicKey) http.Handler {
	handler := agent.Handler()
	if key != nil {
		handler = agent.Require(handler, key, agentAudience)
	}
	if c.Arrived == nil {
		return handler
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.Arrived(r)
		handler.ServeHTTP(w, r)
	})
}

func (c *Config) firstStep() string {
	if c.Upstream != "" {
		return "starting the issuer"
	}
	return "starting the issuer and the agent"
}

func (c *Config) warn(warning string) {
	if c.Warn != nil {
		c.Warn(warning)
	}
}

func (c *Config) progress(step string) {
	if c.Progress != nil {
		c.Progress(step)
	}
}

func (s *Stack) openLogs(config Config) error {
	s.AuthzLog.CopyTo(config.Decisions)
	s.EnvoyLog.CopyTo(config.Access)
	if config.Logs == "" {
		return nil
	}
	if err := s.AuthzLog.Open(config.Logs, "kinde-authz.log"); err != nil {
		return err
	}
	return s.EnvoyLog.Open(config.Logs, "envoy.log")
}

// serve serves a handler in this process.
func (s *Stack) serve(listener net.Listener, handler http.Handler) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	s.servers = append(s.servers, server)
	go func() { _ = server.Serve(listener) }() // it ends when it is closed
}

// Stop ends everything, Envoy first, so that no request is lost on the way.
func (s *Stack) Stop() {
	if s == nil {
		return
	}
	s.restarts.Lock() // a kinde-authz that is being started has started then
	defer s.restarts.Unlock()
	s.expect(s.Envoy)
	s.Envoy.Stop()
	s.expect(s.Authz)
	s.Authz.Stop()
	for _, server := range s.servers {
		_ = server.Close() // its connections end with the process
	}
	s.AuthzLog.Close()
	s.EnvoyLog.Close()
	_ = os.RemoveAll(s.dir) // a leftover in the temporary folder
}

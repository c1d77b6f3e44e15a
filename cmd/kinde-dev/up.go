package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

type upCommand struct {
	Once        bool   `help:"Play every scene of the README, print a table and stop. Ports are the kernel's choice."`
	Port        int    `default:"8080" help:"Port of Envoy."`
	EnvoyAdmin  int    `default:"9901" help:"Admin port of Envoy."`
	Issuer      int    `default:"9100" help:"Port of the issuer."`
	Agent       int    `default:"8000" help:"Port of the agent."`
	Authz       string `placeholder:"FILE" help:"The built kinde-authz. Default: the one beside this program, or bin/kinde-authz."`
	AuthzPort   int    `default:"9191" help:"gRPC port of kinde-authz."`
	AuthzAdmin  int    `default:"9192" help:"Admin port of kinde-authz."`
	EnvoyConfig string `default:"envoy.yaml" help:"Envoy's configuration."`
}

// Help says what cannot be said in a flag's line.
func (upCommand) Help() string {
	return "Envoy is the one that the variable ENVOY names, or envoy on PATH from 1.36 on, or the one that make up fetched."
}

// Run starts the stack and stays up until a signal, or plays the scenes.
func (c *upCommand) Run(stdout io.Writer) error {
	ctx, stop := untilSignal()
	defer stop()
	config, err := c.config()
	if err != nil {
		return err
	}
	s, err := stack.Start(ctx, config)
	if err != nil {
		if ctx.Err() != nil {
			return nil // Ctrl-C while it was starting
		}
		return err
	}
	defer s.Stop()
	if c.Once {
		return playScenes(ctx, s, stdout)
	}
	if err := printCurls(s, stdout); err != nil {
		return err
	}
	return waitFor(ctx, s)
}

// waitFor stays until a signal. A child that ends before is an error.
func waitFor(ctx context.Context, s *stack.Stack) error {
	select {
	case <-ctx.Done():
		return nil
	case <-s.Authz.Done():
		return errors.New("kinde-authz has ended:\n" + s.AuthzLog.String())
	case <-s.Envoy.Done():
		return errors.New("envoy has ended:\n" + s.EnvoyLog.String())
	}
}

func (c *upCommand) config() (stack.Config, error) {
	authz, err := c.findAuthz()
	if err != nil {
		return stack.Config{}, err
	}
	envoy, err := stack.FindEnvoy(".")
	if err != nil {
		return stack.Config{}, err
	}
	config := stack.Config{Authz: authz, Envoy: envoy, EnvoyConfig: c.EnvoyConfig}
	if c.Once {
		return config, nil
	}
	config.Listener, config.EnvoyAdmin = local(c.Port), local(c.EnvoyAdmin)
	config.Issuer, config.Agent = local(c.Issuer), local(c.Agent)
	config.AuthzGRPC, config.AuthzAdmin = local(c.AuthzPort), local(c.AuthzAdmin)
	return config, nil
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// findAuthz looks for the built binary.
func (c *upCommand) findAuthz() (string, error) {
	if c.Authz != "" {
		return c.Authz, nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	for _, path := range []string{filepath.Join(filepath.Dir(self), "kinde-authz"), filepath.Join("bin", "kinde-authz")} {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no kinde-authz: run make build, or name it with --authz")
}

// printCurls prints requests to try, with real tokens.
func printCurls(s *stack.Stack, out io.Writer) error {
	fmt.Fprintf(out, "Envoy listens on %s, the issuer on %s, kinde-authz on %s.\nTry:\n\n", s.URL, s.Issuer.URL, s.AuthzGRPC)
	for _, try := range []struct {
		says    string
		request *kindetest.TokenRequest
		header  string
	}{
		{"a user: 200, and the identity that the agent was given", &kindetest.TokenRequest{}, ""},
		{"a machine: 200", &kindetest.TokenRequest{Actor: "system"}, ""},
		{"a user with a forged header: 200, and the forged one is gone", &kindetest.TokenRequest{}, "x-kinde-user-id: kp_admin"},
		{"no token: 401", nil, ""},
		{"an expired token: 401", broken("expired"), ""},
		{"another organization: 403", broken("other-org"), ""},
	} {
		line := "curl -i"
		if try.header != "" {
			line += " -H '" + try.header + "'"
		}
		if try.request != nil {
			token, err := s.Issuer.Mint(*try.request)
			if err != nil {
				return err
			}
			line += " -H 'Authorization: Bearer " + token + "'"
		}
		fmt.Fprintf(out, "# %s\n%s %s/api/agents/weather\n\n", try.says, line, s.URL)
	}
	_, err := fmt.Fprintln(out, "More tokens: bin/kinde-dev token --help. Ctrl-C ends it all.")
	return err
}

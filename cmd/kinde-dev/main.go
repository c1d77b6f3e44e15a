// Command kinde-dev runs what kinde-authz needs around it on a developer's machine.
// It is a Kinde-shaped issuer, a sample agent, a source of tokens, and the whole stack
// with a real Envoy. It mints tokens for everyone who asks, so it must never run where
// they are trusted.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
)

type commands struct {
	Issuer issuerCommand `cmd:"" help:"Run a Kinde-shaped issuer."`
	Agent  agentCommand  `cmd:"" help:"Run a sample upstream that answers with the identity it was given."`
	Token  tokenCommand  `cmd:"" help:"Print a token of a running issuer."`
	Up     upCommand     `cmd:"" help:"Run the whole local stack with a real Envoy."`
	Health healthCommand `cmd:"" help:"Exit 0 when a URL answers 200, else 1; for container health checks."`
}

// errorStream is where a command tells what it does.
type errorStream struct{ io.Writer }

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run parses the command line, runs the command and returns the exit code: 0
// fine, 1 failed, 2 wrong usage.
func run(args []string, stdout, stderr io.Writer) int {
	exited := -1
	parser, err := kong.New(&commands{},
		kong.Name("kinde-dev"),
		kong.Description("Development and tests for kinde-authz. Never run it where its tokens are trusted."),
		kong.Vars{"issuer": stack.DefaultIssuer},
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.BindTo(stdout, (*io.Writer)(nil)),
		kong.Bind(errorStream{stderr}),
	)
	if err != nil {
		panic(err) // the struct above is at fault
	}
	command, err := parser.Parse(args)
	if exited >= 0 { // --help was asked for and printed
		return exited
	}
	if err == nil {
		err = command.Run()
	}
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "kinde-dev:", err)
	var usage *kong.ParseError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

// Command kinde-authz is an Envoy external authorization service for products
// that sign their users in with Kinde.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
)

// The exit codes.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2
)

type commands struct {
	Serve   serveCommand   `cmd:"" default:"withargs" help:"Answer Envoy's external authorization calls. The default command."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run parses the command line, runs the command and returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	exited := -1
	parser, err := kong.New(&commands{},
		kong.Name("kinde-authz"),
		kong.Description("External authorization for Envoy, by Kinde access tokens. Flags win over the environment."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(stdout, (*io.Writer)(nil)),
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
	return exitCode(err, stderr)
}

// usageError is a setting or an argument that is refused.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return exitFine
	}
	fmt.Fprintln(stderr, "kinde-authz:", err)
	var parse *kong.ParseError
	var usage usageError
	if errors.As(err, &parse) || errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

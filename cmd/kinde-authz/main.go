// Command kinde-authz is an Envoy external authorization service for products
// that sign their users in with Kinde.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// The exit codes.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2
)

type commands struct {
	Serve    serveCommand    `cmd:"" default:"withargs" help:"Answer Envoy's external authorization calls. The default command."`
	Validate validateCommand `cmd:"" help:"Check a settings file and warn of what is valid and dangerous."`
	Explain  explainCommand  `cmd:"" help:"Say what would be answered to a request with a token, and why."`
	Doctor   doctorCommand   `cmd:"" help:"Check a deployment: issuer, keys, clock, the running service, Envoy."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
}

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run parses the command line, runs the command and returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	exited := -1
	parser, err := kong.New(&commands{},
		kong.Name("kinde-authz"),
		kong.Description("External authorization for Envoy, by Kinde access tokens. Flags win over the environment."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(stdout, (*io.Writer)(nil)),
		kong.BindTo(stdin, (*io.Reader)(nil)),
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
	return exitCode(masked(err, args), stderr)
}

// masked takes what looks like a token out of a message on wrong use: where an
// argument is printed, a shell's history may not be the only thing to hold it.
func masked(err error, args []string) error {
	var parse *kong.ParseError
	if !errors.As(err, &parse) {
		return err
	}
	text := err.Error()
	for _, arg := range args {
		if len(arg) > 24 && strings.Contains(arg, "eyJ") {
			text = strings.ReplaceAll(text, arg, "a token: give it on standard input or in a file")
		}
	}
	return usageError{errors.New(text)}
}

// errRefused is the end of a command that has printed why it refuses.
var errRefused = errors.New("refused")

// usageError is a setting or an argument that is refused.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return exitFine
	}
	if !errors.Is(err, errRefused) { // what was printed says it all
		fmt.Fprintln(stderr, "kinde-authz:", err)
	}
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

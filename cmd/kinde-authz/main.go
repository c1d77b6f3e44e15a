// Command kinde-authz is an Envoy external authorization service for products
// that sign their users in with Kinde.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

type commands struct {
	Serve         serveCommand         `cmd:"" default:"withargs" help:"Answer Envoy's external authorization calls. The default command."`
	Validate      validateCommand      `cmd:"" help:"Check a settings file and warn of what is valid and dangerous."`
	Test          testCommand          `cmd:"" help:"Run cases against a settings file, without a network."`
	Explain       explainCommand       `cmd:"" help:"Say what would be answered to a request with a token, and why."`
	Doctor        doctorCommand        `cmd:"" help:"Check a deployment: issuer, keys, clock, the running service, Envoy."`
	AssertionKeys assertionKeysCommand `cmd:"" help:"Print the public keys of assertions as a JWK set."`
	Health        healthCommand        `cmd:"" help:"Exit 0 when the running service is ready, else 1; for readiness probes."`
	Version       versionCommand       `cmd:"" help:"Print the version."`
	Completion    completionCommand    `cmd:"" help:"Print a script that completes the command line in bash, zsh or fish."`
	Man           manCommand           `cmd:"" hidden:"" help:"Print the manual page."`
}

func main() { os.Exit(run(os.Args[1:], os.Stdin, output(os.Stdout), os.Stderr)) }

// run parses the command line, runs the command and returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	stdout, stderr = masking{stdout}, masking{stderr}
	for n, arg := range args {
		if !utf8.ValidString(arg) { // kong would replace what is not: another request would be explained
			return exitCode(usageError{fmt.Errorf("argument %d is not UTF-8", n+1)}, stderr)
		}
	}
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
	return exitCode(hinted(err), stderr)
}

// hinted adds to a message on wrong use with a token in it how to give one.
func hinted(err error) error {
	var parse *kong.ParseError
	if !errors.As(err, &parse) {
		return err
	}
	if tokenPattern.MatchString(err.Error()) {
		err = fmt.Errorf("%w: give a token on standard input or in a file", err)
	}
	return usageError{err}
}

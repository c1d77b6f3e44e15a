package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

type manCommand struct{}

// roff escapes what man(7) would take for a request, a hyphen or an escape.
var roff = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n.", "\n\\&.", "\n'", "\n\\&'")

// Run prints the manual page, as man(7) has it, for packages and releases.
func (manCommand) Run(k *kong.Context, stdout io.Writer) error {
	var page strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&page, format+"\n", args...) }
	program := k.Model.Node
	line(`.TH KINDE\-AUTHZ 1 "" %q "User Commands"`, roff.Replace("kinde-authz "+version))
	line(".SH NAME\nkinde\\-authz \\- %s", "external authorization for Envoy, by Kinde access tokens")
	line(".SH SYNOPSIS\n.B kinde\\-authz\n[\\fICOMMAND\\fR] [\\fIFLAGS\\fR]")
	line(".SH DESCRIPTION\n%s", roff.Replace(program.Help))
	line(".SH COMMANDS")
	for _, command := range commandsOf(program) {
		line(".SS %s\n%s", roff.Replace(command.Summary()), roff.Replace(command.Help))
		if command.Detail != "" {
			line(".PP\n%s", roff.Replace(command.Detail))
		}
		for _, argument := range command.Positional {
			line(".TP\n\\fI%s\\fR\n%s", roff.Replace(argument.Name), roff.Replace(argument.Help))
		}
		for _, flag := range command.Flags {
			if !flag.Hidden {
				line(".TP\n\\fB%s\\fR\n%s", roff.Replace(flag.String()), roff.Replace(cmp.Or(flag.Help, flag.Name)))
			}
		}
	}
	line(".SH EXIT STATUS\n.TP\n0\nfine\n.TP\n1\nfailed: a denial, a failed check, an invalid file")
	line(".TP\n2\nwrong usage, or settings that are refused")
	_, err := io.WriteString(stdout, page.String())
	return err
}

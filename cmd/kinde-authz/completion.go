package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help says where the script goes.
func (completionCommand) Help() string {
	return "For the shell that runs: source <(kinde-authz completion bash), the same with zsh, " +
		"or kinde-authz completion fish | source."
}

// Run prints a script that completes commands, flags and their values.
func (c *completionCommand) Run(k *kong.Context, stdout io.Writer) error {
	script := bashCompletion(k.Model.Node)
	switch c.Shell {
	case "zsh":
		script = "autoload -U +X compinit bashcompinit && compinit && bashcompinit\n" + script
	case "fish":
		script = fishCompletion(k.Model.Node)
	}
	_, err := io.WriteString(stdout, script)
	return err
}

// commandsOf are the commands that help shows.
func commandsOf(program *kong.Node) (shown []*kong.Node) {
	for _, command := range program.Children {
		if !command.Hidden {
			shown = append(shown, command)
		}
	}
	return shown
}

// flagsOf are the flags of a command, with those that all have.
func flagsOf(program, command *kong.Node) (shown []*kong.Flag) {
	for _, flag := range slices.Concat(program.Flags, command.Flags) {
		if !flag.Hidden {
			shown = append(shown, flag)
		}
	}
	return shown
}

// values are what a flag or an argument can be, if only few things.
func values(v *kong.Value) string { return strings.ReplaceAll(v.Enum, ",", " ") }

// bashCompletion leaves what it does not know to the completion of file names.
func bashCompletion(program *kong.Node) string {
	var names, flags, enums strings.Builder
	for _, command := range commandsOf(program) {
		fmt.Fprintf(&names, " %s", command.Name)
		var words []string
		for _, flag := range flagsOf(program, command) {
			words = append(words, "--"+flag.Name)
			if flag.Enum != "" {
				fmt.Fprintf(&enums, "    %q) words=%q ;;\n", command.Name+" --"+flag.Name, values(flag.Value))
			}
		}
		fmt.Fprintf(&flags, "      %s) words=%q ;;\n", command.Name, strings.Join(words, " "))
		for _, argument := range command.Positional {
			if argument.Enum != "" {
				fmt.Fprintf(&enums, "    %q) words=%q ;;\n", command.Name+" "+command.Name, values(argument))
			}
		}
	}
	return fmt.Sprintf(`_kinde_authz() {
  local current="${COMP_WORDS[COMP_CWORD]}" last=$((COMP_CWORD - 1)) command= words= i
  if [ "$current" = "=" ]; then current=; elif [ "${COMP_WORDS[last]}" = "=" ]; then last=$((last - 1)); fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case " %[1]s " in *" ${COMP_WORDS[i]} "*) command="${COMP_WORDS[i]}"; break ;; esac
  done
  case "$command ${COMP_WORDS[last]}" in
%[2]s    *) case "$current" in
    -*) case "${command:-serve}" in
%[3]s      esac ;;
    *) [ -n "$command" ] || words=%[4]q ;;
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _kinde_authz kinde-authz
`, strings.TrimSpace(names.String()), enums.String(), flags.String(), strings.TrimSpace(names.String()))
}

func fishCompletion(program *kong.Node) string {
	var script strings.Builder
	quoted := func(text string) string {
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
	}
	for _, command := range commandsOf(program) {
		in := quoted("__fish_seen_subcommand_from " + command.Name)
		if command.Name == program.DefaultCmd.Name {
			in = quoted("__fish_use_subcommand; or __fish_seen_subcommand_from " + command.Name)
		}
		fmt.Fprintf(&script, "complete -c kinde-authz -n __fish_use_subcommand -f -a %s -d %s\n",
			command.Name, quoted(command.Help))
		for _, flag := range flagsOf(program, command) {
			how := ""
			switch {
			case flag.Enum != "":
				how = " -x -a " + quoted(values(flag.Value))
			case !flag.IsBool():
				how = " -r"
			}
			fmt.Fprintf(&script, "complete -c kinde-authz -n %s -l %s%s -d %s\n",
				in, flag.Name, how, quoted(cmp.Or(flag.OrigHelp, flag.Help)))
		}
		for _, argument := range command.Positional {
			if argument.Enum != "" {
				fmt.Fprintf(&script, "complete -c kinde-authz -n %s -f -a %s\n", in, quoted(values(argument)))
			}
		}
	}
	return script.String()
}

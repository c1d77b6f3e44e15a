package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
)

// command is one that the session shows.
type command struct {
	line string
	code int            // what it exits with
	keep *regexp.Regexp // the lines that are shown; … stands for others
}

const (
	weather  = "http://localhost:8080/api/agents/weather"
	settings = "--config " + logs + "/kinde-authz.yaml"
)

var (
	up = command{
		line: "make up",
		keep: regexp.MustCompile(`^(starting|waiting|$|Ready|Playground|Denials)`),
	}
	session = []command{
		{
			line: `curl -i -H "Authorization: Bearer $(bin/kinde-dev token)" \` + "\n  " + weather,
			keep: regexp.MustCompile(`^(HTTP|\{)`),
		},
		{
			line: `curl -i -H "Authorization: Bearer $(bin/kinde-dev token --org org_other)" \` + "\n  " + weather,
			keep: regexp.MustCompile(`^(HTTP|\{)`),
		},
		{
			line: "bin/kinde-dev token --org org_other | bin/kinde-authz explain \\\n  " + settings + " --path /api/agents/weather",
			code: 1,
			keep: regexp.MustCompile(`^(request|   (audience|user or machine) |=>|$|deny|change)|not reached`),
		},
		{
			line: "bin/kinde-authz test deploy/kinde-authz.tests.yaml",
			keep: regexp.MustCompile(`runs one|cannot run agents|^$|passed`),
		},
		{
			line: "bin/kinde-authz doctor " + settings + " \\\n  --envoy-admin http://localhost:9901",
			keep: regexp.MustCompile(`^(warning|failed)|: (they|usable|it is|it fails|an outage)`),
		},
	}
)

// shown is a command and what it printed, as the picture shows them.
type shown struct {
	line  string
	lines []string
}

// play starts the stack as make up does, plays the session against it, and ends it.
func play(ctx context.Context, bin string) ([]shown, error) {
	dir, err := os.MkdirTemp("", "terminal-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var log process.Log
	//nolint:gosec // a program of the project
	stack, err := process.Start(exec.CommandContext(ctx, filepath.Join(bin, "kinde-dev"), "up", "--port-base=0", "--logs="+dir), &log)
	if err != nil {
		return nil, err
	}
	defer stack.Stop()
	ready := func() bool { return strings.Contains(log.String(), "Ctrl-C") }
	if err := stack.Until(ctx, "the end of what make up prints", ready); err != nil {
		return nil, err
	}
	at, err := locate(bin, dir, log.String())
	if err != nil {
		return nil, err
	}
	all := []shown{{up.line, up.choose(at.steady(log.String()))}}
	for _, c := range session {
		printed, err := c.run(ctx, at)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.line, err)
		}
		all = append(all, shown{c.line, c.choose(at.steady(printed))})
	}
	return all, nil
}

// run runs the command on a terminal of its own, in a shell.
func (c *command) run(ctx context.Context, at place) (string, error) {
	//nolint:gosec // a command of the session
	run := exec.CommandContext(ctx, "script", "--quiet", "--return", "--command", at.real(c.line), os.DevNull)
	run.Env = append(slices.DeleteFunc(os.Environ(), isPersonal), "TERM=xterm", "KINDE_AUTHZ_LISTEN="+at.authz)
	var out bytes.Buffer
	run.Stdout, run.Stderr = &out, &out
	err := run.Run()
	if ended := (*exec.ExitError)(nil); err != nil && !errors.As(err, &ended) {
		return "", err
	}
	if code := run.ProcessState.ExitCode(); code != c.code {
		return "", fmt.Errorf("it exits with %d, want %d: %s", code, c.code, out.String())
	}
	return out.String(), nil
}

// isPersonal tells what of a developer's environment would change what is printed.
func isPersonal(variable string) bool {
	for _, prefix := range []string{"KINDE_", "OTEL_", "NO_COLOR="} {
		if strings.HasPrefix(variable, prefix) {
			return true
		}
	}
	return false
}

// choose returns the lines that are shown.
func (c *command) choose(printed string) []string {
	var lines []string
	for line := range strings.SplitSeq(strings.Trim(printed, "\n"), "\n") {
		if c.keep.MatchString(plain(line)) {
			lines = append(lines, line)
			continue
		}
		for len(lines) > 0 && lines[len(lines)-1] == "" {
			lines = lines[:len(lines)-1]
		}
		if len(lines) == 0 || lines[len(lines)-1] != "…" {
			lines = append(lines, "…")
		}
	}
	return lines
}

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"kinde-authz": func() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Deadline:            time.Now().Add(time.Minute), // a setting that should be refused and is not would serve for ever
		Setup:               withIssuer,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "until": until},
	})
}

// withIssuer gives a script an issuer at $ISSUER, its keys in keys.json, and
// tokens of it in $TOKEN, user.jwt and machine.jwt. Keys for assertions, Ed25519 and
// P-256, are in both.pem.
func withIssuer(env *testscript.Env) error {
	issuer := kindetest.NewServer()
	env.Defer(issuer.Close)
	env.Setenv("ISSUER", issuer.Issuer.URL)
	env.Setenv("TOKEN", issuer.Token(issuer.UserClaims()))
	for name, content := range map[string]string{
		"keys.json": issuer.JWKS(), "user.jwt": issuer.Token(issuer.UserClaims()),
		"machine.jwt": issuer.Token(issuer.MachineClaims()), "both.pem": newSigningKey("Ed25519") + newSigningKey("P-256"),
	} {
		if err := os.WriteFile(filepath.Join(env.WorkDir, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// exits is the script command "exits CODE PROGRAM [ARG...]".
func exits(ts *testscript.TestScript, _ bool, args []string) {
	if got := exitCodeOf(ts, args[1:]); got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// until is the script command "until CODE WORD PROGRAM [ARG...]": it runs the program
// again and again until it ends with that exit code and has printed the word.
func until(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.Now().Add(20 * time.Second)
	for {
		code := exitCodeOf(ts, args[2:])
		printed := ts.ReadFile("stdout")
		if code == args[0] && strings.Contains(printed, args[1]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("exit code %s and %q, want %s and %q", code, printed, args[0], args[1])
		}
	}
}

func exitCodeOf(ts *testscript.TestScript, args []string) string {
	var exit *exec.ExitError
	switch err := ts.Exec(args[0], args[1:]...); {
	case err == nil:
		return "0"
	case errors.As(err, &exit):
		return strconv.Itoa(exit.ExitCode())
	default:
		ts.Fatalf("%v", err)
		return ""
	}
}

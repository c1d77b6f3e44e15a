package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// withIssuer gives a script an issuer at $ISSUER, its keys in keys.json, and
// tokens of it in $TOKEN, user.jwt and machine.jwt.
func withIssuer(env *testscript.Env) error {
	issuer := kindetest.NewServer()
	env.Defer(issuer.Close)
	env.Setenv("ISSUER", issuer.Issuer.URL)
	env.Setenv("TOKEN", issuer.Token(issuer.UserClaims()))
	for name, content := range map[string]string{
		"keys.json": issuer.JWKS(), "user.jwt": issuer.Token(issuer.UserClaims()),
		"machine.jwt": issuer.Token(issuer.MachineClaims()),
	} {
		if err := os.WriteFile(filepath.Join(env.WorkDir, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// exits is the script command "exits CODE PROGRAM [ARG...]".
func exits(ts *testscript.TestScript, _ bool, args []string) {
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if want := args[0]; strconv.Itoa(got) != want {
		ts.Fatalf("exit code %d, want %s", got, want)
	}
}

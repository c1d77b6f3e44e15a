// Package e2e sends real requests through a real Envoy to the built
// kinde-authz, with the project's own envoy.yaml.
package e2e

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
)

// shared is the stack of all tests that change nothing in it.
var (
	shared   *stack.Stack
	programs stack.Config // the paths of what every stack is made of
)

func TestMain(m *testing.M) {
	e2etest.Main(func() (int, error) { return runTests(m) })
}

func runTests(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "kinde-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := e2etest.Build("..", dir, "./cmd/..."); err != nil {
		return 0, err
	}
	envoy, err := stack.FindEnvoy("..")
	if err != nil {
		return 0, err
	}
	programs = stack.Config{Authz: filepath.Join(dir, "kinde-authz"), Envoy: envoy, EnvoyConfig: "../envoy.yaml"}
	if shared, err = stack.Start(context.Background(), programs); err != nil {
		return 0, err
	}
	defer shared.Stop()
	return m.Run(), nil
}

// own starts a stack for one test.
func own(t *testing.T, change func(*stack.Config)) *stack.Stack {
	t.Helper()
	config := programs
	if change != nil {
		change(&config)
	}
	s, err := stack.Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

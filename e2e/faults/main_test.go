// Package faults breaks, one after the other, everything that two replicas of
// kinde-authz behind a real Envoy depend on, while requests with good and bad tokens
// come in. Each answer is compared with the one that its token must get.
package faults

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
)

var (
	long = flag.Bool("long", false, "more requests and connections, strict times: for a machine that does nothing else")
	page = flag.String("page", "", "write the table into this page, between its marks")
)

// programs are the paths of what is run.
var programs struct{ authz, envoy string }

func TestMain(m *testing.M) {
	flag.Parse()
	e2etest.Main(func() (int, error) { return runTests(m) })
}

func runTests(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "kinde-faults-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	programs.authz = filepath.Join(dir, "kinde-authz")
	if err := e2etest.Build("../..", dir, "./cmd/kinde-authz"); err != nil {
		return 0, err
	}
	if programs.envoy, err = stack.FindEnvoy("../.."); err != nil {
		return 0, err
	}
	code := m.Run()
	return code, report()
}

// either is the first value in the short form and the second in the long one.
func either[T int | time.Duration](short, strict T) T {
	if *long {
		return strict
	}
	return short
}

// Package deploy tests the manifests and the chart in deploy/ without a cluster: that they build,
// say the same, fit the program that is built here, and are as safe as the documents say.
package deploy

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// update writes anew what is made of other files, as the other tests' flag does.
var update = flag.Bool("update", false, "write what is made of other files anew")

// program is the path of the built kinde-authz.
var program string

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "kinde-deploy-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "kinde-authz")
	build := exec.Command("go", "build", "-o", program, "./cmd/kinde-authz")
	build.Dir, build.Stderr = "../..", os.Stderr
	if err := build.Run(); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// read returns the content of a file of the project, by its path from the root.
func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// made compares a file with what it is made of, or writes it anew.
func made(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(filepath.Join("../..", path), []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, path); got != want {
		t.Errorf("%s is out of step: run go test ./... -run %s -update in deploy/test", path, t.Name())
	}
}

// versions are those of deploy/versions.
func versions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for line := range strings.Lines(read(t, "deploy/versions")) {
		if name, version, found := strings.Cut(strings.TrimSpace(line), "="); found && line[0] != '#' {
			all[name] = version
		}
	}
	return all
}

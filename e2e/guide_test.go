package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The guide for a virtual machine is run by deploy/test/systemd.sh, which needs root
// and a minute and a half. Here its commands are looked at.
func TestGuideNamesWhatThereIs(t *testing.T) {
	guide, err := os.ReadFile("../docs/envoy.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range regexp.MustCompile(`\bdeploy/[\w./-]+\w`).FindAllString(string(guide), -1) {
		if _, err := os.Stat(filepath.Join("..", path)); err != nil {
			t.Error(err)
		}
	}
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllSubmatch(guide, -1)
	if len(blocks) < 6 {
		t.Errorf("%d blocks of commands, want 6 or more", len(blocks))
	}
	for _, block := range blocks {
		check := exec.CommandContext(t.Context(), "bash", "-n")
		check.Stdin = bytes.NewReader(block[1])
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%v: %s\n%s", err, out, block[1])
		}
	}
}

// systemdUnit is a unit of deploy/systemd that runs the built program.
func systemdUnit(t *testing.T, name string) (path string) {
	t.Helper()
	content, err := os.ReadFile("../deploy/systemd/" + name)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), name)
	built := strings.NewReplacer("/usr/local/bin/kinde-authz", programs.Authz, "/usr/local/bin/envoy", programs.Envoy)
	write(t, path, built.Replace(string(content)))
	return path
}

func TestSystemdUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("no systemd-analyze on PATH: units are not looked at")
	}
	for name, exposure := range map[string]string{"kinde-authz.service": "11", "envoy.service": "14"} { // tenths
		unit := systemdUnit(t, name)
		out, err := exec.CommandContext(t.Context(), analyze, "verify", unit).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("verify %s: %v\n%s", name, err, out)
		}
		out, err = exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--no-pager",
			"--threshold="+exposure, unit).CombinedOutput()
		if err != nil {
			t.Errorf("security %s: %v\n%s", name, err, out)
		}
	}
}

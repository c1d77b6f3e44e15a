//go:build deploy

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

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
	const analyze = "systemd-analyze"
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

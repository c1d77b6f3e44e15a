package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The session that the README shows is what the programs print now.
func TestTerminalPictureIsUpToDate(t *testing.T) {
	if _, err := exec.LookPath("script"); err != nil {
		t.Fatal("script is needed to give the programs a terminal: install bsdutils (Debian) or util-linux")
	}
	dir := t.TempDir()
	draw := exec.CommandContext(t.Context(), "go", "run", "./scripts/terminal", "-bin", filepath.Dir(programs.Authz), dir)
	draw.Dir = ".."
	draw.Env = append(os.Environ(), "ENVOY="+programs.Envoy)
	if out, err := draw.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, err := os.ReadFile(filepath.Join(dir, "terminal.svg"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("../docs/pictures/terminal.svg"); err != nil || string(got) != string(want) {
		t.Errorf("docs/pictures/terminal.svg is old: go run ./scripts/terminal docs/pictures (%v)", err)
	}
}

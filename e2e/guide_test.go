package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

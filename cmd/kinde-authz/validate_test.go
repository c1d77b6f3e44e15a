package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every example of a settings file is valid, without a warning.
func TestExamplesAreValid(t *testing.T) {
	examples := []string{"../../deploy/kinde-authz.yaml"}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples = slices.DeleteFunc(examples, func(path string) bool { return strings.HasSuffix(path, ".tests.yaml") })
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		path := filepath.Join(t.TempDir(), "readme.yaml")
		if err := os.WriteFile(path, []byte(block[1]), 0o600); err != nil {
			t.Fatal(err)
		}
		examples = append(examples, path)
	}
	for _, path := range examples {
		var out, faults bytes.Buffer
		if code := run([]string{"validate", "--strict", path}, nil, &out, &faults); code != exitFine ||
			!strings.HasPrefix(out.String(), "valid: ") {
			t.Errorf("%s: exit code %d: %s%s", path, code, out.String(), faults.String())
		}
	}
}

package e2etest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Edit is one change of a file: a text that it holds, and the one that takes its place.
// The first must be there exactly once, so that no change is lost when the file is edited.
type Edit [2]string

// EditedFile returns the path of a copy of a file with the changes, in a folder of the
// test's own.
func EditedFile(t testing.TB, path string, edits ...Edit) string {
	t.Helper()
	content, err := os.ReadFile(path) //nolint:gosec // the test names it
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for _, edit := range edits {
		if strings.Count(text, edit[0]) != 1 {
			t.Fatalf("%s: want %q exactly once", path, edit[0])
		}
		text = strings.Replace(text, edit[0], edit[1], 1)
	}
	copied := filepath.Join(t.TempDir(), filepath.Base(path))
	Write(t, copied, text)
	return copied
}

// Write writes a file that only this user can read.
func Write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil { //nolint:gosec // the test names it
		t.Fatal(err)
	}
}

// Replace changes a file at once: one that is written in place can be read half.
func Replace(t testing.TB, path, content string) {
	t.Helper()
	Write(t, path+".new", content)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

package main

import (
	"os"
	"path/filepath"
	"testing"
)

// The pictures in docs are those of the code as it is.
func TestPicturesAreUpToDate(t *testing.T) {
	t.Chdir("../..")
	dir := t.TempDir()
	if err := draw(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"house.svg", "request.svg"} {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join("docs/pictures", name)); err != nil || string(got) != string(want) {
			t.Errorf("docs/pictures/%s is old: go run ./scripts/pictures docs/pictures (%v)", name, err)
		}
	}
}

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// The pictures in docs are those of the code as it is.
func TestPicturesAreUpToDate(t *testing.T) {
	t.Chdir("../..")
	dir := t.TempDir()
	if err := draw(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"house.svg", "request.svg", "keys.svg"} {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join("docs/pictures", name)); err != nil || string(got) != string(want) {
			t.Errorf("docs/pictures/%s is old: go run ./scripts/pictures docs/pictures (%v)", name, err)
		}
	}
}

func TestLimitsAreReadAsTheyAreWritten(t *testing.T) {
	t.Chdir("../..")
	got, err := readLimits()
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []string{got.coolDown, got.minRetry, got.maxRetry} {
		if _, err := time.ParseDuration(limit); err != nil {
			t.Error(err)
		}
	}
	if n, err := strconv.Atoi(got.maxWaiting); err != nil || n <= 0 {
		t.Errorf("maxWaiting: %q", got.maxWaiting)
	}
	for written, want := range map[string]string{"time.Second": "1s", "10 * time.Second": "10s", "time.Hour": "", "": ""} {
		if got := seconds(written); got != want {
			t.Errorf("%q: got %q, want %q", written, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		15 * time.Minute: "15m", 24 * time.Hour: "24h", 90 * time.Second: "1m30s", time.Second: "1s", 20 * time.Second: "20s",
	} {
		if got := short(d); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}

package regular

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(t.Context(), path, 5); string(got) != "12345" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for path, want := range map[string]string{
		path:          path + " has 5 bytes: want at most 4",
		dir:           dir + " is a directory: want a regular file",
		"/dev/null":   "/dev/null is a device: want a regular file",
		dir + "/none": "open " + dir + "/none: no such file or directory",
	} {
		if got, err := Read(t.Context(), path, 4); err == nil || err.Error() != want || got != nil {
			t.Errorf("%s: got %q, %v", path, got, err)
		}
	}
}

// Attack X3: a read that hangs is given up; beyond some of them no other begins,
// until one ends.
func TestReadsThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := make(chan struct{})
		hang := func() ([]byte, error) { <-hangs; return nil, nil }
		for range maxHung {
			begun := time.Now()
			_, err := within(t.Context(), "f", hang)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != timeout {
				t.Fatalf("got %v after %s", err, time.Since(begun))
			}
		}
		_, err := within(t.Context(), "f", hang)
		if err == nil || err.Error() != "f: not read, as 64 other reads of files hang" {
			t.Errorf("got %v", err)
		}
		close(hangs)
		synctest.Wait()
		good := func() ([]byte, error) { return []byte("a"), nil }
		if got, err := within(t.Context(), "f", good); string(got) != "a" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestReadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := within(ctx, "f", func() ([]byte, error) { <-hangs; return nil, nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		close(hangs)
	})
}

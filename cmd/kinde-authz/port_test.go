package main

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// Attack X6: a process that ends leaves alone the socket of its successor, and removes
// its own.
func TestASocketIsRemovedByItsOwner(t *testing.T) {
	dir, err := os.MkdirTemp("", "kinde") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "socket")
	first, err := listen("listen", "unix:"+path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second, err := listen("listen", "unix:"+path)
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("the successor cannot be reached: %v", err)
	}
	conn.Close()
	second.Close()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its own socket is left: %v", err)
	}
}

package e2e

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
)

// Attack X6: a socket on which a connection fails in any way but by being refused
// may be somebody's: it stays.
func TestSocketsInUseStay(t *testing.T) {
	dir, err := os.MkdirTemp("", "kinde")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	datagrams := filepath.Join(dir, "datagrams")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: datagrams, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	busy := filepath.Join(dir, "busy")
	full(t, busy)
	var log process.Log
	i := start(t, &log)
	for name, test := range map[string]struct{ socket, says string }{
		"of another instance": {i.path("grpc"), "is in use"},
		"of another kind":     {datagrams, "whether it is in use cannot be told"},
		"with a full queue":   {busy, "whether it is in use cannot be told"},
	} {
		t.Run(name, func(t *testing.T) {
			before, err := os.Lstat(test.socket)
			if err != nil {
				t.Fatal(err)
			}
			for _, flag := range []string{"--listen", "--admin-listen"} {
				refused(t, 1, test.says, flag, "unix:"+test.socket)
			}
			if after, err := os.Lstat(test.socket); err != nil || !os.SameFile(before, after) {
				t.Errorf("it is not there any more: %v", err)
			}
		})
	}
	i.check(t, 1)
}

// full listens on a socket and accepts nobody, so that connections find no room.
func full(t *testing.T, path string) {
	t.Helper()
	listener, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(listener) })
	address := &syscall.SockaddrUnix{Name: path}
	if err := syscall.Bind(listener, address); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(listener, 0); err != nil {
		t.Fatal(err)
	}
	for {
		client, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Close(client) })
		if err := syscall.Connect(client, address); err == syscall.EAGAIN {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// A socket that a killed instance left behind is taken over.
func TestDeadSocketIsTakenOver(t *testing.T) {
	var log process.Log
	dead := start(t, &log)
	dead.signal(t, syscall.SIGKILL)
	<-dead.Done()
	next := start(t, &log, "--listen=unix:"+dead.path("grpc"))
	next.conn = dead.conn
	next.healthy(t)
}

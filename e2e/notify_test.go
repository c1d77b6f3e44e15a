package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// manager reads what a service tells systemd.
type manager struct {
	mu    sync.Mutex
	lines []string
}

// newManager makes services tell this test.
func newManager(t *testing.T, read bool) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "kinde") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); os.RemoveAll(dir) })
	t.Setenv("NOTIFY_SOCKET", path)
	m := &manager{}
	if read {
		go m.read(conn)
	}
	return m
}

func (m *manager) read(conn *net.UnixConn) {
	buffer := make([]byte, 4096)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		m.mu.Lock()
		m.lines = append(m.lines, strings.TrimSpace(string(buffer[:n])))
		m.mu.Unlock()
	}
}

// count is how many messages match.
func (m *manager) count(pattern string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, line := range m.lines {
		if regexp.MustCompile("^" + pattern + "$").MatchString(line) {
			n++
		}
	}
	return n
}

// waits for as many messages that match.
func (m *manager) wants(t *testing.T, n int, pattern string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d of %s", n, pattern), func() bool { return m.count(pattern) >= n })
}

func TestSystemdIsToldOfTheLife(t *testing.T) {
	m := newManager(t, true)
	t.Setenv("WATCHDOG_USEC", "100000")
	issuer := kindetest.NewServer()
	defer issuer.Close()
	path := filepath.Join(t.TempDir(), "authz.yaml")
	write(t, path, fmt.Sprintf("issuers: [{domain: %q}]\n", issuer.Issuer.URL))
	var log process.Log
	i := launch(t, &log, "--config", path)
	m.wants(t, 1, "READY=1")
	m.wants(t, 1, "STATUS=serving")
	i.healthy(t)
	m.wants(t, 5, "WATCHDOG=1")
	i.signal(t, syscall.SIGHUP)
	m.wants(t, 1, `RELOADING=1\nMONOTONIC_USEC=\d+`)
	m.wants(t, 2, "READY=1")
	i.signal(t, syscall.SIGTERM)
	m.wants(t, 1, `STOPPING=1\nSTATUS=draining`)
	ends(t, i.Process, 0, 20*time.Second)
}

// A start without keys is not done at once, and does not hang.
func TestSystemdIsToldOfAStartWithoutKeys(t *testing.T) {
	m := newManager(t, true)
	issuer := kindetest.NewServer()
	defer issuer.Close()
	if err := issuer.Fail(kindetest.Down); err != nil {
		t.Fatal(err)
	}
	var log process.Log
	launch(t, &log, "--domain", issuer.Issuer.URL)
	m.wants(t, 1, "STATUS=not serving: .*")
	if m.count("READY=1") > 0 {
		t.Error("it was ready before the wait for keys was over")
	}
	m.wants(t, 1, "READY=1")
	if err := issuer.Fail(""); err != nil {
		t.Fatal(err)
	}
	m.wants(t, 1, "STATUS=serving")
}

// Attack W7: nobody reads what systemd is told.
func TestDecisionsDoNotWaitForSystemd(t *testing.T) {
	newManager(t, false)
	t.Setenv("WATCHDOG_USEC", "2000") // fills the socket at once
	var log process.Log
	i := start(t, &log)
	i.check(t, enough)
	i.healthy(t)
	i.signal(t, syscall.SIGTERM)
	ends(t, i.Process, 0, 5*time.Second)
}

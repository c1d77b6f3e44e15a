package e2e

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
)

// Attack T10: a thousand clients of the admin port send many requests each and read
// no answer. Each has one answer at most, and no connection for long.
func TestAdminClientsThatNeverReadHoldUpNobody(t *testing.T) {
	var log process.Log
	i := start(t, &log)
	const clients, requests = 1000, 50
	conns := make([]net.Conn, clients)
	var group sync.WaitGroup
	for n := range conns {
		conn, err := i.dialAdmin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns[n] = conn
		group.Go(func() { // the write ends when the service closes the connection
			_, _ = io.WriteString(conn, strings.Repeat("GET /metrics HTTP/1.1\r\nHost: admin\r\n\r\n", requests))
		})
	}
	i.check(t, 1000)
	i.healthy(t)
	group.Wait()
	for _, conn := range conns {
		if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(conn)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a connection stays open")
		}
		if got := strings.Count(string(text), "HTTP/1.1 "); got > 1 {
			t.Fatalf("a connection carried %d answers", got)
		}
	}
}

// Attack T11: clients that send nothing do not keep the health check out.
func TestIdleAdminClientsAreClosed(t *testing.T) {
	var log process.Log
	i := start(t, &log)
	for range 1000 {
		conn, err := i.dialAdmin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	i.healthy(t)
	conn, err := i.dialAdmin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the end of the connection", err)
	}
}

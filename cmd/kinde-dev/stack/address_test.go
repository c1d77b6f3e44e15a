package stack

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
)

func TestCheckFree(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	everywhere, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer everywhere.Close()
	_, port, _ := net.SplitHostPort(everywhere.Addr().String())
	err = (&Config{Listener: taken.Addr().String(), Agent: "127.0.0.1:" + port, Issuer: "127.0.0.1:0"}).checkFree()
	var busy *BusyError
	if !errors.As(err, &busy) || strings.Join(busy.Addresses, " ") != taken.Addr().String()+" 127.0.0.1:"+port {
		t.Errorf("got %v", err)
	}
	if err := (&Config{Issuer: "127.0.0.1:0"}).checkFree(); err != nil {
		t.Errorf("got %v", err)
	}
	if err := (&Config{Issuer: "nowhere"}).checkFree(); err == nil || errors.As(err, &busy) {
		t.Errorf("got %v", err)
	}
}

// A request for http://localhost goes to ::1 first.
func TestCheckFreeSeesWhatListensOnIPv6Alone(t *testing.T) {
	listener, err := net.Listen("tcp", "[::1]:0")
	var want error
	port := "0" // on a machine without IPv6 nothing can be there
	if err == nil {
		defer listener.Close()
		want = syscall.EADDRINUSE
		_, port, _ = net.SplitHostPort(listener.Addr().String())
	}
	if got := checkFree("127.0.0.1:" + port); !errors.Is(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

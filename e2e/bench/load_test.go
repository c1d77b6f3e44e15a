package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// checker answers by the token, and counts what it was asked.
type checker struct {
	authv3.UnimplementedAuthorizationServer
	asked atomic.Int64
}

func (s *checker) Check(_ context.Context, r *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	s.asked.Add(1)
	headers := r.GetAttributes().GetRequest().GetHttp().GetHeaderMap().GetHeaders()
	switch string(headers[1].GetRawValue())[:8] {
	case "Bearer g":
		return &authv3.CheckResponse{}, nil
	case "Bearer d":
		return &authv3.CheckResponse{Status: &status.Status{Code: int32(codes.PermissionDenied)}}, nil
	}
	return nil, grpcstatus.Error(codes.Internal, "no such token")
}

// serveCheck returns a server and its address.
func serveCheck(t *testing.T) (*checker, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, server := &checker{}, grpc.NewServer()
	authv3.RegisterAuthorizationServer(server, s)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return s, listener.Addr().String()
}

// token returns one of 4 KiB, of which the server's window has no room for 64.
func token(first string) string { return first + strings.Repeat("x", 4<<10) }

func TestEveryCallIsCounted(t *testing.T) {
	server, address := serveCheck(t)
	good := checkRequest(token("g"))
	answer, length, err := ask(address, good)
	if err != nil || answer.GetStatus().GetCode() != 0 {
		t.Fatalf("%v, %v", answer, err)
	}
	server.asked.Store(0)
	const least = 3000
	s, err := calls{address, func(int) []byte { return good }, least, length}.load(0)
	if err != nil || len(s.latencies) != least || server.asked.Load() != least {
		t.Errorf("%d answers, %d calls: %v", len(s.latencies), server.asked.Load(), err)
	}
	if s.percentile(0) <= 0 || s.percentile(100) > s.took {
		t.Errorf("latencies from %v to %v in %v", s.percentile(0), s.percentile(100), s.took)
	}
}

func TestAnotherVerdictIsAnError(t *testing.T) {
	_, address := serveCheck(t)
	good := checkRequest(token("g"))
	_, length, err := ask(address, good)
	if err != nil {
		t.Fatal(err)
	}
	for first, want := range map[string]string{"d": "another verdict", "o": `gRPC status "13"`} {
		other := checkRequest(token(first))
		next := func(i int) []byte { return map[bool][]byte{true: other, false: good}[i == 500] }
		_, err := calls{address, next, 1000, length}.load(0)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestHTTPAnswersMustBe200(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.Header.Get("Authorization") != "Bearer good" || r.URL.Path != path {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = w.Write([]byte("a body"))
	}))
	defer server.Close()
	address := server.Listener.Addr().String()
	s, err := loadHTTP(address, []string{"good"}, 3, 50*time.Millisecond)
	if err != nil || int64(len(s.latencies)) != asked.Load() || s.took < 50*time.Millisecond {
		t.Errorf("%d answers to %d requests in %v: %v", len(s.latencies), asked.Load(), s.took, err)
	}
	if _, err := loadHTTP(address, []string{"good", "bad"}, 1, time.Minute); err == nil || err.Error() != "status 401" {
		t.Errorf("a denial gave %v", err)
	}
}

func TestPercentiles(t *testing.T) {
	var s sample
	for i := range 1001 {
		s.latencies = append(s.latencies, time.Duration(1000-i))
	}
	for p, want := range map[float64]time.Duration{0: 0, 50: 500, 99: 990, 100: 1000} {
		if got := s.percentile(p); got != want {
			t.Errorf("p%v = %d, want %d", p, got, want)
		}
	}
}

func TestUsage(t *testing.T) {
	spent := func() time.Duration { // by another way to ask
		var r syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
			t.Fatal(err)
		}
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	self, first := &process{pid: syscall.Getpid()}, spent()
	before, err := self.usage()
	if err != nil {
		t.Fatal(err)
	}
	const busy, tick = 60 * time.Millisecond, 10 * time.Millisecond
	for start := spent(); spent()-start < busy; {
	}
	after, err := self.usage()
	if used := after.cpu - before.cpu; err != nil || used < busy-tick || used > spent()-first+tick {
		t.Errorf("%v of CPU, want %v to %v: %v", used, busy, spent()-first, err)
	}
	if after.memory < 1 || after.memory > 10_000 {
		t.Errorf("%v MiB", after.memory)
	}
}

func TestForgedTokensHaveTheLengthOfGoodOnes(t *testing.T) {
	tokens := mint(few)
	for i, good := range tokens.good {
		if len(good) != len(tokens.good[0]) || len(good) != len(tokens.forged[i]) || good == tokens.forged[i] {
			t.Errorf("token %d: %q and %q", i, good, tokens.forged[i])
		}
	}
	if s, err := tokens.verify(time.Millisecond); err != nil || len(s.latencies) == 0 {
		t.Errorf("%d verifications: %v", len(s.latencies), err)
	}
}

// One service must not read what another was given: it would have another cache.
func TestEachServiceHasFilesOfItsOwn(t *testing.T) {
	b := &bench{dir: t.TempDir()}
	one, err := b.file("settings", "one")
	other, otherErr := b.file("settings", "other")
	if text, _ := os.ReadFile(one); err != nil || otherErr != nil || one == other || string(text) != "one" {
		t.Errorf("%s has %q, %s: %v, %v", one, text, other, err, otherErr)
	}
}

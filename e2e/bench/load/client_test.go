package load

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// server answers by the path of a request, and counts what it was asked.
type server struct {
	authv3.UnimplementedAuthorizationServer
	asked atomic.Int64
}

func (s *server) Check(_ context.Context, r *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	s.asked.Add(1)
	switch r.GetAttributes().GetRequest().GetHttp().GetPath() {
	case "/allow":
		return &authv3.CheckResponse{}, nil
	case "/deny":
		return &authv3.CheckResponse{Status: &status.Status{Code: int32(codes.PermissionDenied)}}, nil
	}
	return nil, grpcstatus.Error(codes.Internal, "no such path")
}

// serve returns a client of a server like the one that is measured against.
func serve(t *testing.T, options ...grpc.ServerOption) (*Client, *server) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, g := &server{}, grpc.NewServer(options...)
	authv3.RegisterAuthorizationServer(g, s)
	go func() { _ = g.Serve(listener) }() // until it is stopped
	t.Cleanup(g.Stop)
	client, err := Dial(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client, s
}

// to returns a request of some kilobytes for a path.
func to(t *testing.T, path string, allow bool) Source {
	t.Helper()
	body, err := With(path, strings.Repeat("x", 4000))
	if err != nil {
		t.Fatal(err)
	}
	return func() Request { return Request{Body: body, Allow: allow} }
}

func TestAsk(t *testing.T) {
	client, _ := serve(t)
	for path, want := range map[string]bool{"/allow": true, "/deny": false} {
		if answer, err := client.Ask(t.Context(), to(t, path, true)().Body); err != nil || answer.Allowed != want {
			t.Errorf("%s: %+v, %v", path, answer, err)
		}
	}
	if answer, err := client.Ask(t.Context(), to(t, "/other", true)().Body); err == nil || !strings.Contains(err.Error(), "13") {
		t.Errorf("an error became %+v, %v", answer, err)
	}
	if _, err := client.Ask(t.Context(), make([]byte, oneFrame)); err == nil {
		t.Error("a request that fits no frame was sent")
	}
}

// More is under way than the server's window or its streams have room for.
func TestClosedCountsEveryAnswer(t *testing.T) {
	for name, options := range map[string][]grpc.ServerOption{
		"as it comes": nil,
		"few streams": {grpc.MaxConcurrentStreams(3)},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := serve(t, options...)
			const inFlight = 50
			for _, requests := range []int64{2000, 7} {
				server.asked.Store(0)
				sample, err := client.Closed(t.Context(), End{Requests: requests}, inFlight, func(int) Source { return to(t, "/allow", true) })
				if err != nil || sample.Requests != requests || server.asked.Load() != requests {
					t.Errorf("%d of %d answered, %d asked: %v", sample.Requests, requests, server.asked.Load(), err)
				}
			}
		})
	}
}

func TestClosedEnds(t *testing.T) {
	client, _ := serve(t)
	allow := func(int) Source { return to(t, "/allow", true) }
	if sample, err := client.Closed(t.Context(), End{After: 20 * time.Millisecond}, 2, allow); err != nil || sample.Requests == 0 {
		t.Errorf("%d answered: %v", sample.Requests, err)
	}
	if _, err := client.Closed(t.Context(), End{After: time.Hour}, 2, func(int) Source { return to(t, "/deny", true) }); !errors.Is(err, errVerdict) {
		t.Errorf("a wrong verdict gave %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	cancel(stop)
	if _, err := client.Closed(ctx, End{After: time.Hour}, 2, allow); !errors.Is(err, stop) {
		t.Errorf("a run that is stopped gave %v", err)
	}
}

func TestOpenMeasuresOneFlow(t *testing.T) {
	client, server := serve(t)
	other, _ := serve(t)
	const rate, duration = 2000, 100 * time.Millisecond
	sample, err := Open(t.Context(), duration, 1,
		Flow{Client: client, Rate: rate, Next: to(t, "/deny", false)},
		Flow{Client: other, Rate: rate, Next: to(t, "/allow", true)},
		Flow{Client: client, Rate: rate, Next: to(t, "/allow", true), Measured: true})
	if err != nil {
		t.Fatal(err)
	}
	if n := sample.Requests; n < 100 || n > 300 || server.asked.Load() < n+100 {
		t.Errorf("%d measured of %d", n, server.asked.Load())
	}
	if _, err := Open(t.Context(), time.Hour, 1, Flow{Client: client, Rate: rate, Next: to(t, "/deny", true)}); !errors.Is(err, errVerdict) {
		t.Errorf("a wrong verdict gave %v", err)
	}
}

func TestACallEndsWithItsConnection(t *testing.T) {
	client, _ := serve(t)
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Closed(t.Context(), End{After: time.Hour}, 2, func(int) Source { return to(t, "/allow", true) }); err == nil {
		t.Error("an ended connection answered")
	}
	if answer, err := client.Ask(t.Context(), nil); err == nil {
		t.Errorf("an ended connection answered %+v", answer)
	}
}

func TestAnOldConnectionIsRenewed(t *testing.T) {
	client, _ := serve(t)
	before := client.connection
	client.dialed = client.dialed.Add(-oldAge)
	if _, err := client.Ask(t.Context(), to(t, "/allow", true)().Body); err != nil || client.connection == before {
		t.Errorf("renewed %t, %v", client.connection != before, err)
	}
}

package extauthz

import (
	"context"
	"net"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// overGRPC serves a server whose verifier is scripted, and returns a client.
func overGRPC(t *testing.T, verify verifierFunc) (*Server, authv3.AuthorizationClient, *lines) {
	t.Helper()
	authorizer, logs := newAuthorizer(t, authz.Config{Verifier: verify}), &lines{}
	server := NewServer(authorizer, logTo(zapcore.Lock(logs), zap.DebugLevel), nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewGRPC(server)
	go func() { _ = s.Serve(listener) }()
	t.Cleanup(s.Stop)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return server, authv3.NewAuthorizationClient(conn), logs
}

func user() (*kinde.Token, error) {
	return &kinde.Token{Issuer: domain, Actor: kinde.User, Subject: "u"}, nil
}

// Attack T7: a call for which there is no memory left.
func TestCallsWithoutRoomAreOverloaded(t *testing.T) {
	server, client, logs := overGRPC(t, user)
	if !server.room.take(DefaultRoom - MaxMessageBytes + 1) {
		t.Fatal("an empty room is full")
	}
	response, err := client.Check(t.Context(), withToken.InMap())
	if err != nil {
		t.Fatal(err)
	}
	assertDenied(t, response, kinde.Overloaded, 503)
	server.room.give(1)
	if response, err = client.Check(t.Context(), withToken.InMap()); err != nil || response.GetStatus().GetCode() != 0 {
		t.Errorf("with room for one: %v %v", response, err)
	}
	server.room.give(DefaultRoom - MaxMessageBytes)
	if used := server.room.used.Load(); used != 0 {
		t.Errorf("%d bytes are still taken", used)
	}
	if line := logs.all(t)[0]; line["reason"] != "overloaded" || line["detail"] != noRoomDetail {
		t.Errorf("logged %v", line)
	}
}

// Attack T8: a call may not last as long as its caller likes.
func TestCallsEnd(t *testing.T) {
	for name, test := range map[string]struct{ asks, want time.Duration }{
		"a short deadline": {maxWait / 2, maxWait / 2},
		"no deadline":      {0, maxWait},
		"a long deadline":  {600 * time.Second, maxWait},
	} {
		t.Run(name, func(t *testing.T) {
			deadlines := make(chan time.Time, 1)
			server, client, _ := overGRPC(t, user)
			server.Use(newAuthorizer(t, authz.Config{Verifier: deadlineOf(deadlines)}), 1)
			ctx, before := t.Context(), time.Now()
			if test.asks > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, test.asks)
				defer cancel()
			}
			if _, err := client.Check(ctx, withToken.InMap()); err != nil {
				t.Fatal(err)
			}
			got := <-deadlines
			if got.Before(before.Add(test.want)) || got.After(time.Now().Add(test.want)) {
				t.Errorf("it ends after %s, want %s", got.Sub(before), test.want)
			}
		})
	}
}

// deadlineOf is a verifier that tells when it must have ended.
type deadlineOf chan time.Time

func (d deadlineOf) Judge(ctx context.Context, _ string) kinde.Verdict {
	deadline, _ := ctx.Deadline()
	d <- deadline
	token, _ := user()
	return kinde.Verdict{Token: token}
}

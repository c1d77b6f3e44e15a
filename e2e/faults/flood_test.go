package faults

import (
	"context"
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
)

// checks are questions about tokens whose signature is wrong, to replicas, beside Envoy.
type checks struct {
	clients  []authv3.AuthorizationClient
	signed   string // a token without its signature
	calls    sync.WaitGroup
	stop     context.CancelFunc
	begun    time.Time
	answered atomic.Int64
	allowed  atomic.Int64
}

// keepAsking asks so often a second, until that is ended. Each token is another one: none
// is answered from memory.
func (r *rig) keepAsking(t *testing.T, rate int, replicas ...*replica) *checks {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	token := r.issuer.Token(r.issuer.UserClaims())
	c := &checks{signed: token[:strings.LastIndexByte(token, '.')+1], stop: cancel, begun: time.Now()}
	for _, one := range replicas {
		conn, err := grpc.NewClient(one.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		c.clients = append(c.clients, authv3.NewAuthorizationClient(conn))
	}
	c.calls.Go(func() {
		due := c.begun
		for n := 0; ; n++ {
			due = due.Add(time.Second / time.Duration(rate))
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(due)):
			}
			c.calls.Go(func() { c.ask(ctx, c.clients[n%len(c.clients)]) })
		}
	})
	return c
}

func (c *checks) ask(ctx context.Context, client authv3.AuthorizationClient) {
	request := envoytest.Get("/api/agents/weather").Bearer(c.signed + badSignature()).InList()
	got, err := client.Check(ctx, request)
	if err != nil {
		return // it is over, or nobody could answer
	}
	c.answered.Add(1)
	if got.GetStatus().GetCode() == int32(codes.OK) {
		c.allowed.Add(1)
	}
}

// end returns how many were answered a second. None may have been allowed.
func (c *checks) end(t *testing.T) (rate float64) {
	t.Helper()
	rate = float64(c.answered.Load()) / time.Since(c.begun).Seconds()
	c.stop()
	c.calls.Wait()
	if n := c.allowed.Load(); n > 0 {
		t.Errorf("%d tokens with a bad signature were allowed", n)
	}
	return rate
}

// flood asks both replicas more often than all else does.
func flood(t *testing.T, r *rig, p *phase) {
	p.inject()
	checks := r.keepAsking(t, either(1000, 5000), r.replicas...)
	p.await(t, judged())
	p.note, p.figure = "%.0f bad signatures a second were answered beside Envoy, by the two replicas", checks.end(t)
}

// badSignature is one of 2048 bits that nobody made.
func badSignature() string {
	var bytes [256]byte
	for i := 1; i < len(bytes); i++ { // the first stays zero: less than any modulus
		bytes[i] = byte(rand.Uint32())
	}
	return base64.RawURLEncoding.EncodeToString(bytes[:])
}

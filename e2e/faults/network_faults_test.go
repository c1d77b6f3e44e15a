package faults

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
)

// maxMemory is what docs/security.md says that a replica takes at most.
const maxMemory = 1 << 30

// attacker is where attacks come from: another address than Envoy's, since each address
// has no more than half of the connections.
var attacker = net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 3)}}

// crowd is how many connections are open at a time where there are many.
func crowd() int { return either(1000, 10_000) }

// Each comes to the gRPC port of a replica from somebody who is no Envoy, and takes what
// the requests need of this machine: what is lost for that is only told. A flood of bad
// signatures must cost nothing.
func networkFaults() []fault {
	return []fault{
		{"gRPC port: connections opened and closed", attack(8, 0, func(_ context.Context, conn net.Conn) error {
			_, err := conn.Write([]byte(http2.ClientPreface))
			return err
		}), bound{anyLost: true, memory: maxMemory}},
		{"gRPC port: connections reset", attack(8, 0, func(_ context.Context, conn net.Conn) error {
			return conn.(*net.TCPConn).SetLinger(0)
		}), bound{anyLost: true, memory: maxMemory}},
		{"gRPC port: random bytes", attack(8, 0, sendRandom), bound{anyLost: true, memory: maxMemory}},
		{"gRPC port: a byte at a time", attack(200, 200, drip), bound{anyLost: true, memory: maxMemory}},
		{"gRPC port: streams reset at once", attack(2, 0, resetStreams), bound{anyLost: true, memory: maxMemory}},
		{"gRPC port: idle connections", attack(crowd(), crowd(), stay), bound{anyLost: true, memory: maxMemory}},
		{fmt.Sprintf("bad signatures: %d a second", either(1000, 5000)), flood, bound{}},
	}
}

// attack does that on connections, so many at a time, again and again while requests are
// judged. The fault begins once so many are open.
func attack(atATime, open int, do func(context.Context, net.Conn) error) func(*testing.T, *rig, *phase) {
	return func(t *testing.T, r *rig, p *phase) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var attackers sync.WaitGroup
		defer attackers.Wait()
		defer cancel()
		var connected atomic.Int64
		for range atATime {
			attackers.Go(func() {
				for ctx.Err() == nil {
					conn, err := attacker.DialContext(ctx, "tcp", r.replicas[0].grpc)
					if err != nil {
						return // the machine has no more ports
					}
					connected.Add(1)
					stop := context.AfterFunc(ctx, func() { conn.Close() })
					_ = do(ctx, conn) // refused, as it should be
					stop()
					conn.Close()
				}
			})
		}
		e2etest.Eventually(t, "the connections are open", func() bool { return connected.Load() >= int64(open) })
		p.inject()
		p.await(t, judged())
		if connected.Load() == 0 {
			t.Error("nothing was connected")
		}
	}
}

// sendRandom sends random bytes, the second time as frames of HTTP/2, until it is refused.
func sendRandom(_ context.Context, conn net.Conn) error {
	noise := make([]byte, 16<<10)
	_, _ = rand.Read(noise)
	if noise[0]%2 == 0 {
		noise = append([]byte(http2.ClientPreface), noise...)
	}
	if _, err := conn.Write(noise); err != nil {
		return err
	}
	_, err := conn.Read(noise) // until the other side closes
	return err
}

// drip sends what a client begins with, a byte at a time.
func drip(ctx context.Context, conn net.Conn) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for _, b := range []byte(http2.ClientPreface) {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if _, err := conn.Write([]byte{b}); err != nil {
			return err
		}
	}
	return nil
}

// greet begins as a client of HTTP/2 does.
func greet(conn net.Conn) (*http2.Framer, error) {
	framer := http2.NewFramer(conn, conn)
	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		return nil, err
	}
	return framer, framer.WriteSettings()
}

// stay is a connection that does nothing more. One that is turned away comes back a
// second later.
func stay(ctx context.Context, conn net.Conn) error {
	again := time.After(time.Second)
	defer func() {
		select {
		case <-ctx.Done():
		case <-again:
		}
	}()
	if _, err := greet(conn); err != nil {
		return err
	}
	for buffer := make([]byte, 512); ctx.Err() == nil; {
		if _, err := conn.Read(buffer); err != nil {
			return err
		}
	}
	return nil
}

// resetStreams opens streams and resets each at once (CVE-2023-44487).
func resetStreams(ctx context.Context, conn net.Conn) error {
	framer, err := greet(conn)
	if err != nil {
		return err
	}
	var headers bytes.Buffer
	encoder := hpack.NewEncoder(&headers)
	for _, field := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", "/envoy.service.auth.v3.Authorization/Check"},
		{":authority", "kinde-authz"}, {"content-type", "application/grpc"}, {"te", "trailers"},
	} {
		if err := encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
			return err
		}
	}
	go func() { // what the other side says must be read
		for {
			if _, err := framer.ReadFrame(); err != nil {
				return
			}
		}
	}()
	// Fields that are named before stay in the table: each block is the first one again,
	// without what it added.
	block := bytes.Clone(headers.Bytes())
	for id := uint32(1); ctx.Err() == nil && id < 1<<20; id += 2 {
		err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndHeaders: true})
		if err != nil {
			return err
		}
		if err := framer.WriteRSTStream(id, http2.ErrCodeCancel); err != nil {
			return err
		}
	}
	return nil
}

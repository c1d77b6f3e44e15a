package main

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"go.uber.org/zap"
	"google.golang.org/grpc"
)

func TestOneAddressHasHalfOfTheConnections(t *testing.T) {
	one, other, socket := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.Addr{}
	c := newConnections(8, zap.NewNop())
	for n, step := range []struct {
		from netip.Addr
		want bool
	}{
		{one, true}, {one, true}, {one, true}, {one, true}, {one, false}, {other, true}, {socket, true}, {socket, true},
		{socket, true}, {socket, false}, {other, false},
	} {
		if got := c.enter(step.from); got != step.want {
			t.Errorf("step %d, from %s: %t", n, step.from, got)
		}
	}
	if open, refused := c.counts(); open != 8 || refused != 3 {
		t.Errorf("%d are open and %d were refused", open, refused)
	}
	c.leave(one)
	if !c.enter(one) || c.enter(one) {
		t.Error("a place that was given back is not taken by the next")
	}
	c.use(16)
	if !c.enter(one) || !c.enter(other) {
		t.Error("a higher limit lets nobody in")
	}
	for range 5 {
		c.leave(one)
	}
	c.leave(other)
	c.leave(other)
	for range 3 {
		c.leave(socket)
	}
	if open, _ := c.counts(); open != 0 || len(c.from) != 0 {
		t.Errorf("%d are open and %d addresses are kept", open, len(c.from))
	}
}

// A call of gRPC health beyond those that may be in flight is refused, not queued, and
// before its message is read.
func TestHealthCallsAreBounded(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	wait := func(any, context.Context, func(any) error, grpc.UnaryServerInterceptor) (any, error) {
		begun <- struct{}{}
		<-end
		return nil, nil
	}
	call := boundedCall(wait)
	ended := make(chan error, healthCalls)
	for range healthCalls {
		go func() { _, err := call(nil, t.Context(), nil, nil); ended <- err }()
		<-begun
	}
	if _, err := call(nil, t.Context(), nil, nil); !errors.Is(err, errTooManyHealthCalls) {
		t.Errorf("got %v", err)
	}
	close(end)
	for range healthCalls {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	go func() { <-begun }()
	if _, err := call(nil, t.Context(), nil, nil); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

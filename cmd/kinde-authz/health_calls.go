package main

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// healthCalls and healthWatches bound the calls of gRPC health at a time, which each may
// hold a message of 256 KiB. They are apart from the calls that ask for decisions, so
// that a flood of those leaves the probes alone; and from each other, since a check
// ends after 10 s and a watch goes on.
const (
	healthCalls   = 128
	healthWatches = 64
)

var errTooManyHealthCalls = status.Error(codes.ResourceExhausted, "too many health checks are in flight")

// places are what can be taken by so many at a time, without waiting.
type places chan struct{}

// take reports whether there was a place, and takes it.
func (p places) take() bool {
	select {
	case p <- struct{}{}:
		return true
	default:
		return false
	}
}

func (p places) give() { <-p }

// boundedHealth is gRPC health with bounded calls. A call takes its place before its
// message is read.
func boundedHealth() *grpc.ServiceDesc {
	bounded := healthv1.Health_ServiceDesc
	bounded.Methods, bounded.Streams = nil, nil
	for _, method := range healthv1.Health_ServiceDesc.Methods {
		method.Handler = boundedCall(method.Handler)
		bounded.Methods = append(bounded.Methods, method)
	}
	for _, stream := range healthv1.Health_ServiceDesc.Streams {
		stream.Handler = boundedStream(stream.Handler)
		bounded.Streams = append(bounded.Streams, stream)
	}
	return &bounded
}

func boundedCall(handle grpc.MethodHandler) grpc.MethodHandler {
	calls := make(places, healthCalls)
	return func(server any, ctx context.Context, read func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
		if !calls.take() {
			return nil, errTooManyHealthCalls
		}
		defer calls.give()
		return handle(server, ctx, read, intercept)
	}
}

func boundedStream(handle grpc.StreamHandler) grpc.StreamHandler {
	watches := make(places, healthWatches)
	return func(server any, stream grpc.ServerStream) error {
		if !watches.take() {
			return errTooManyHealthCalls
		}
		defer watches.give()
		return handle(server, stream)
	}
}

package main

import (
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"github.com/kinde-authz/kinde-authz/authz/extauthz"
)

const (
	// streamWorkers handle calls on stacks that have grown already. Calls
	// beyond so many at a time get a goroutine of their own.
	streamWorkers = 128

	// bufferBytes is what is read and written at a time on a connection: some
	// dozens of calls and answers. Envoy has a connection a worker.
	bufferBytes = 128 << 10

	// connWindow and streamWindow are what Envoy may send before it is read, on
	// a connection and for one call. Fixed sizes save the pings that find them
	// out; the first has room for as many calls as may be in flight, the second
	// for one.
	connWindow   = 1 << 20
	streamWindow = 64 << 10

	// headerBytes is more than Envoy sends beside the message: the headers of the request
	// that it asks about are in that.
	headerBytes = 16 << 10

	// callsPerConnection is what Envoy may have in flight on a connection. Beyond it
	// opens another.
	callsPerConnection = 1024

	// connectTimeout bounds the handshake of a connection: the end of the process waits
	// for it.
	connectTimeout = 5 * time.Second
)

// newGRPCServer returns a server with limits that fit Envoy: it pings while
// idle, and keeps a connection for ever unless told to look for other replicas now and
// then. gRPC moves that time by up to a tenth, so that not all come back at once.
func newGRPCServer(server *extauthz.Server, certificates *certificates) *grpc.Server {
	options := []grpc.ServerOption{
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: 10 * time.Minute, MaxConnectionAgeGrace: time.Minute}),
		grpc.ConnectionTimeout(connectTimeout),
		grpc.MaxConcurrentStreams(callsPerConnection),
		grpc.MaxHeaderListSize(headerBytes),
		grpc.NumStreamWorkers(streamWorkers),
		grpc.ReadBufferSize(bufferBytes), grpc.WriteBufferSize(bufferBytes),
		grpc.InitialWindowSize(streamWindow), grpc.InitialConnWindowSize(connWindow),
	}
	if certificates != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(certificates.config())))
	}
	return extauthz.NewGRPC(server, options...)
}

// Command stock is the ext_authz server that everything else is measured
// against: the generated types, grpc.NewServer without options, health, and a
// Check that allows without looking. It is a program of its own, so that its
// memory is that of such a server and not of the harness.
package main

import (
	"context"
	"log"
	"net"
	"os"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

type server struct {
	authv3.UnimplementedAuthorizationServer
}

// Check allows every request.
func (server) Check(context.Context, *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	return &authv3.CheckResponse{
		Status:       &status.Status{Code: int32(codes.OK)},
		HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: &authv3.OkHttpResponse{}},
	}, nil
}

// main listens on the address that is its one argument.
func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: stock ADDRESS")
	}
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	s := grpc.NewServer()
	authv3.RegisterAuthorizationServer(s, server{})
	ready := health.NewServer()
	ready.SetServingStatus(authv3.Authorization_ServiceDesc.ServiceName, healthv1.HealthCheckResponse_SERVING)
	healthv1.RegisterHealthServer(s, ready)
	log.Fatal(s.Serve(listener))
}

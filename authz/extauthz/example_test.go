package extauthz_test

import (
	"context"
	"fmt"
	"net"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

func ExampleNewGRPC() {
	verifier, err := kinde.NewVerifier(kinde.Config{Issuers: []kinde.Issuer{{
		Domain: "https://yourapp.kinde.com", Audience: []string{"https://api.yourapp.com"},
	}}})
	if err != nil {
		panic(err)
	}
	// verifier.Start() would fetch the keys; what is asked below needs none.
	authorizer, err := authz.NewAuthorizer(authz.Config{
		Verifier: verifier,
		Issuers:  map[string]authz.Rules{"https://yourapp.kinde.com": {}},
		Encode:   extauthz.Encode,
	})
	if err != nil {
		panic(err)
	}
	server := extauthz.NewGRPC(extauthz.NewServer(authorizer, zap.NewNop(), nil))
	defer server.Stop()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() { _ = server.Serve(listener) }()

	// Envoy asks like this.
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	answer, err := authv3.NewAuthorizationClient(conn).Check(context.Background(), &authv3.CheckRequest{})
	if err != nil {
		panic(err)
	}
	fmt.Println(answer.GetDeniedResponse().GetStatus().GetCode(), answer.GetStatus().GetMessage())
	// Output: Unauthorized missing_token
}

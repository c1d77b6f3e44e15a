package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// raw is a codec for messages that are bytes already.
type raw struct{ encoding.CodecV2 }

func (raw) Marshal(message any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*message.(*[]byte))}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, message any) error {
	*message.(*[]byte) = data.Materialize()
	return nil
}

// BenchmarkServe is the whole service behind its port, with 64 calls in flight:
// some tokens, each again and again, one in thirty new, one in thirty refused.
func BenchmarkServe(b *testing.B) {
	issuer := kindetest.NewServer()
	defer issuer.Close()
	client := startForBench(b, issuer.Issuer)
	const many = 600
	requests := make([][]byte, many)
	for i := range requests {
		claims := issuer.UserClaims().With("sub", fmt.Sprintf("kp_%d", i%20))
		switch i % 30 {
		case 0:
			claims = claims.With("jti", fmt.Sprint(i))
		case 1:
			claims = claims.With("exp", 1+i)
		default:
			claims = claims.With("jti", "same").With("iat", 1700000000).With("exp", 4000000000)
		}
		request := envoytest.Get("/").Bearer(issuer.Sign(claims)).With("x-request-id", "5a2a1f0e-6d9c-4f0a-9a39-6f8f5ad1d0a1")
		message, err := proto.Marshal(request.InList())
		if err != nil {
			b.Fatal(err)
		}
		requests[i] = message
	}
	var next atomic.Int64
	b.SetParallelism(32) // times two processors
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			var answer []byte
			request := &requests[next.Add(1)%many]
			err := client.Invoke(b.Context(), authv3.Authorization_Check_FullMethodName, request, &answer)
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// startForBench starts the service, with its log going nowhere.
func startForBench(b *testing.B, issuer *kindetest.Issuer) *grpc.ClientConn {
	b.Helper()
	path := filepath.Join(b.TempDir(), "authz.yaml")
	content := fmt.Sprintf("issuers: [{domain: %q, audience: [%q]}]\ninsecure_http: true\n", issuer.URL,
		kindetest.Audience) +
		"token_cache: {entries: 30}\ndrain_delay: 0s\n"
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		b.Fatal(err)
	}
	address := "127.0.0.1:0"
	flags := &settings.Flags{
		Decision: settings.Decision{Config: path},
		Ports:    settings.Ports{Listen: &address, AdminListen: &address},
	}
	loaded, err := flags.Read()
	if err != nil {
		b.Fatal(err)
	}
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	core := zapcore.NewCore(encoder, zapcore.AddSync(io.Discard), zap.InfoLevel)
	s, err := newService(flags, loaded, &logs{events: zap.New(core), decisions: zap.New(core)})
	if err != nil {
		b.Fatal(err)
	}
	signals, ended := make(chan os.Signal, 1), make(chan error, 1)
	go func() { ended <- s.run(signals, nil) }()
	conn, err := grpc.NewClient(s.grpcPort.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(raw{encoding.GetCodecV2("proto")})))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close(); signals <- os.Interrupt; <-ended })
	if err := s.verifier.Load().WaitReady(b.Context()); err != nil {
		b.Fatal(err)
	}
	return conn
}

package authz

import (
	"context"
	"sync"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec of all other messages
	"google.golang.org/grpc/mem"
)

// NewGRPC returns a gRPC server that answers Envoy's external authorization
// calls. The bytes of a call go straight to [Server.Answer] and those of the
// answer straight back; other services that are registered with it work as ever.
func NewGRPC(server *Server, options ...grpc.ServerOption) *grpc.Server {
	s := grpc.NewServer(append(options, grpc.ForceServerCodecV2(codec{encoding.GetCodecV2("proto")}))...)
	s.RegisterService(&service, server)
	return s
}

// service is that of the generated types, but for how bytes become an answer.
var service = grpc.ServiceDesc{
	ServiceName: authv3.Authorization_ServiceDesc.ServiceName,
	HandlerType: (*any)(nil),
	Methods:     []grpc.MethodDesc{{MethodName: "Check", Handler: answerCall}},
	Metadata:    authv3.Authorization_ServiceDesc.Metadata,
}

// answerCall answers one call.
func answerCall(server any, ctx context.Context, read func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
	request := &wire{}
	if err := read(request); err != nil {
		return nil, err
	}
	defer request.Free()
	answer := func(ctx context.Context, _ any) (any, error) {
		buffer := answerBuffers.Get(0)
		*buffer = server.(*Server).Answer(ctx, request.ReadOnlyData(), (*buffer)[:0])
		return &wire{mem.NewBuffer(buffer, answerBuffers)}, nil
	}
	if intercept == nil {
		return answer(ctx, request)
	}
	return intercept(ctx, request, &grpc.UnaryServerInfo{Server: server, FullMethod: authv3.Authorization_Check_FullMethodName}, answer)
}

// answerBytes has room for most answers.
const answerBytes = 4 << 10

// buffers are used again for answers. Unlike gRPC's own they are not cleared:
// only what was appended is sent.
type buffers struct{ sync.Pool }

var answerBuffers = &buffers{sync.Pool{New: func() any { return new(make([]byte, 0, answerBytes)) }}}

// Get implements [mem.BufferPool]. The buffer is empty, whatever the length.
func (b *buffers) Get(int) *[]byte { return b.Pool.Get().(*[]byte) }

// Put implements [mem.BufferPool].
func (b *buffers) Put(buffer *[]byte) {
	if cap(*buffer) == answerBytes { // not one that a large answer made
		b.Pool.Put(buffer)
	}
}

// wire is a message as it is on the wire.
type wire struct{ mem.Buffer }

// codec lets wire messages through as they are.
type codec struct{ encoding.CodecV2 }

// Marshal implements [encoding.CodecV2].
func (c codec) Marshal(message any) (mem.BufferSlice, error) {
	if w, ok := message.(*wire); ok {
		return mem.BufferSlice{w.Buffer}, nil
	}
	return c.CodecV2.Marshal(message)
}

// Unmarshal implements [encoding.CodecV2]. The data are kept until the message
// is freed.
func (c codec) Unmarshal(data mem.BufferSlice, message any) error {
	if w, ok := message.(*wire); ok {
		w.Buffer = data.MaterializeToBuffer(mem.DefaultBufferPool())
		return nil
	}
	return c.CodecV2.Unmarshal(data, message)
}

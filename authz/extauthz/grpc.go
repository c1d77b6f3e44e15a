package extauthz

import (
	"context"
	"sync"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec of all other messages
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/tap"
)

// MaxMessageBytes is the longest CheckRequest that is read; for a longer one the
// call fails. Envoy sends 60 KiB of headers by default, and a body where it is told
// to.
const MaxMessageBytes = 256 << 10

// NewGRPC returns a gRPC server that answers Envoy's external authorization
// calls. The bytes of a call go straight to [Server.Answer] and those of the
// answer straight back; other services that are registered with it work as usual.
// All messages together take a bounded amount of memory, whoever sends them.
func NewGRPC(server *Server, options ...grpc.ServerOption) *grpc.Server {
	s := grpc.NewServer(append(options, grpc.ForceServerCodecV2(codec{encoding.GetCodecV2("proto")}),
		grpc.MaxRecvMsgSize(MaxMessageBytes), grpc.InTapHandle(limitWait))...)
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

// answerCall answers one call. The message is read, and its memory taken, only
// once there is room for it.
func answerCall(server any, ctx context.Context, read func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
	s := server.(*Server)
	if !s.room.take(MaxMessageBytes) {
		return answerWith(func(out []byte) []byte { return s.refuseUnread(ctx, out) }), nil
	}
	taken := int64(MaxMessageBytes)
	defer func() { s.room.give(taken) }()
	request := &wire{}
	if err := read(request); err != nil {
		return nil, err
	}
	defer request.Free()
	rest := taken - int64(min(MaxMessageBytes, max(2*request.Len(), callBytes)))
	s.room.give(rest)
	taken -= rest
	answer := func(ctx context.Context, _ any) (any, error) {
		return answerWith(func(out []byte) []byte { return s.Answer(ctx, request.ReadOnlyData(), out) }), nil
	}
	if intercept == nil {
		return answer(ctx, request)
	}
	return intercept(ctx, request, &grpc.UnaryServerInfo{Server: server, FullMethod: authv3.Authorization_Check_FullMethodName}, answer)
}

// answerWith returns what write appends to an empty buffer.
func answerWith(write func(out []byte) []byte) *wire {
	buffer := answerBuffers.Get(0)
	*buffer = write((*buffer)[:0])
	return &wire{mem.NewBuffer(buffer, answerBuffers)}
}

// maxWait is how long a call may take at most, from its first byte. Envoy says how
// long it waits; whoever says nothing, or more, could hold room for ever.
const maxWait = 10 * time.Second

// limitWait ends a call that takes too long.
func limitWait(ctx context.Context, call *tap.Info) (context.Context, error) {
	if call.FullMethodName == healthv1.Health_Watch_FullMethodName { // it goes on by design
		return ctx, nil
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= maxWait {
		return ctx, nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	context.AfterFunc(ctx, cancel) // it ends with the call
	return ctx, nil
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

// messageBuffers have at most twice the size that is asked for: of the default ones, one
// for more than 32 KiB takes 1 MiB.
var messageBuffers = func() mem.BufferPool {
	pool, err := mem.NewBinaryTieredBufferPool(8, 10, 11, 12, 13, 14, 15, 16, 17, 18)
	if err != nil {
		panic(err) // the sizes above are at fault
	}
	return pool
}()

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
		w.Buffer = data.MaterializeToBuffer(messageBuffers)
		return nil
	}
	return c.CodecV2.Unmarshal(data, message)
}

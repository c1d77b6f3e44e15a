package load

import (
	"context"
	"fmt"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
)

// Client asks one ext_authz server over one connection, as an Envoy worker
// does.
type Client struct{ connection *grpc.ClientConn }

// Request is a CheckRequest on the wire, and the verdict it must get.
type Request struct {
	Body  []byte
	Allow bool
}

// Source yields requests, one after the other. What it returned last may be
// overwritten by the next call. Each worker has a Source of its own.
type Source func() Request

// Dial connects to a server.
func Dial(address string) (*Client, error) {
	connection, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(raw{})))
	return &Client{connection}, err
}

// Close ends the connection.
func (c *Client) Close() error { return c.connection.Close() }

// Ask sends one request and returns the whole answer.
func (c *Client) Ask(ctx context.Context, body []byte) (Answer, error) {
	answer, err := c.call(ctx, body, nil)
	if err != nil {
		return Answer{}, err
	}
	return parse(answer)
}

// verdict sends one request and reports a verdict that it must not get.
func (c *Client) verdict(ctx context.Context, r Request, buffer []byte) ([]byte, error) {
	answer, err := c.call(ctx, r.Body, buffer)
	if err != nil {
		return buffer, err
	}
	allow, err := allowed(answer)
	if err == nil && allow != r.Allow {
		err = fmt.Errorf("a wrong verdict: allowed is %t, want %t", allow, r.Allow)
	}
	return answer, err
}

// call appends the answer to the emptied buffer.
func (c *Client) call(ctx context.Context, body, buffer []byte) ([]byte, error) {
	buffer = buffer[:0]
	err := c.connection.Invoke(ctx, authv3.Authorization_Check_FullMethodName, body, &buffer)
	return buffer, err
}

// raw is a codec that passes bytes through, so that the client marshals
// nothing.
type raw struct{}

// Name makes it pass for the one that the server expects.
func (raw) Name() string { return "proto" }

// Marshal takes a []byte.
func (raw) Marshal(v any) (mem.BufferSlice, error) {
	body, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("cannot send a %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(body)}, nil
}

// Unmarshal takes a *[]byte, to which it appends.
func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	out, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("cannot receive a %T", v)
	}
	for _, part := range data {
		*out = append(*out, part.ReadOnlyData()...)
	}
	return nil
}

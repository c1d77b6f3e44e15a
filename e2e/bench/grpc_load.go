package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"
)

const (
	inFlight    = 64 // calls on one connection
	prefixBytes = 5  // of a gRPC message
	bufferBytes = 128 << 10
	giveBack    = 8 << 20          // received bytes, after which the server may send as many more
	patience    = 20 * time.Second // for an answer
)

// connection carries gRPC calls of Check as an Envoy worker's does: what is due at the
// same time is written together, and what has come is read together. The client of
// grpc-go itself spends more on a call than the services that are measured, and shares
// their processors. One goroutine uses it.
type connection struct {
	socket  net.Conn
	framer  *http2.Framer
	out     *bufio.Writer
	fields  *hpack.Encoder
	block   bytes.Buffer
	headers []hpack.HeaderField

	next    uint32           // stream
	flying  map[uint32]*call // by stream
	waiting []*call          // for room
	room    int              // bytes that the server takes
	unread  int              // bytes received, and not yet given back
}

// call is one request and its answer.
type call struct {
	start  time.Time
	body   []byte
	answer []byte // with gRPC's prefix
	status string // gRPC's code
}

func dial(address string) (*connection, error) {
	socket, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &connection{
		socket: socket, out: bufio.NewWriterSize(socket, bufferBytes),
		next: 1, flying: map[uint32]*call{}, room: 65535, // RFC 9113, section 6.9.2
	}
	for _, field := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", authv3.Authorization_Check_FullMethodName},
		{":authority", address}, {"te", "trailers"}, {"content-type", "application/grpc"},
	} {
		c.headers = append(c.headers, hpack.HeaderField{Name: field[0], Value: field[1]})
	}
	c.fields = hpack.NewEncoder(&c.block)
	c.framer = http2.NewFramer(c.out, bufio.NewReaderSize(flushing{c}, bufferBytes))
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4<<10, nil)
	c.framer.SetReuseFrames()
	// The buffer keeps its first error for the flush.
	_, _ = c.out.WriteString(http2.ClientPreface)
	_ = c.framer.WriteSettings()
	_ = c.framer.WriteWindowUpdate(0, 2*giveBack)
	return c, nil
}

// flushing sends what is written before it waits for more to read.
type flushing struct{ *connection }

func (f flushing) Read(p []byte) (int, error) {
	if err := f.out.Flush(); err != nil {
		return 0, err
	}
	if err := f.socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return f.socket.Read(p)
}

// send writes a call, or keeps it until the server has room.
func (c *connection) send(body []byte) {
	c.waiting = append(c.waiting, &call{start: time.Now(), body: body})
	c.drain()
}

func (c *connection) drain() {
	for len(c.waiting) > 0 && prefixBytes+len(c.waiting[0].body) <= c.room {
		r := c.waiting[0]
		c.waiting = c.waiting[1:]
		c.flying[c.next] = r
		c.room -= prefixBytes + len(r.body)
		c.block.Reset()
		for _, field := range c.headers {
			_ = c.fields.WriteField(field) // into memory
		}
		message := make([]byte, prefixBytes, prefixBytes+len(r.body))
		binary.BigEndian.PutUint32(message[1:], uint32(len(r.body))) //nolint:gosec // some KiB
		headers := http2.HeadersFrameParam{StreamID: c.next, BlockFragment: c.block.Bytes(), EndHeaders: true}
		_ = c.framer.WriteHeaders(headers) // as above
		_ = c.framer.WriteData(c.next, true, append(message, r.body...))
		c.next += 2
	}
}

// receive returns the next call that has its whole answer.
func (c *connection) receive() (*call, error) {
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return nil, err
		}
		stream, ended := frame.Header().StreamID, frame.Header().Flags.Has(http2.FlagDataEndStream)
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			for _, field := range f.RegularFields() {
				if field.Name == "grpc-status" {
					c.flying[stream].status = field.Value
				}
			}
			if ended {
				r := c.flying[stream]
				delete(c.flying, stream)
				return r, r.check()
			}
		case *http2.DataFrame:
			c.flying[stream].answer = append(c.flying[stream].answer, f.Data()...)
			if c.unread += int(f.Length); c.unread >= giveBack {
				_ = c.framer.WriteWindowUpdate(0, uint32(c.unread)) //nolint:gosec // little more than giveBack
				c.unread = 0
			}
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = c.framer.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !f.IsAck() {
				_ = c.framer.WritePing(true, f.Data)
			}
		case *http2.WindowUpdateFrame:
			if stream == 0 { // a request fits the window of its stream
				c.room += int(f.Increment)
				c.drain()
			}
		default:
			return nil, fmt.Errorf("the server ends a call: %v", frame)
		}
	}
}

// check wants a whole gRPC answer.
func (r *call) check() error {
	if r.status != "0" {
		return fmt.Errorf("gRPC status %q", r.status)
	}
	if len(r.answer) < prefixBytes || int(binary.BigEndian.Uint32(r.answer[1:])) != len(r.answer)-prefixBytes {
		return fmt.Errorf("a message of %d bytes with the prefix %x", len(r.answer), r.answer)
	}
	return nil
}

// ask sends one request and returns the answer, and how many bytes long it is.
func ask(address string, body []byte) (*authv3.CheckResponse, int, error) {
	c, err := dial(address)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = c.socket.Close() }() // nothing is in flight
	c.send(body)
	r, err := c.receive()
	if err != nil {
		return nil, 0, err
	}
	response := &authv3.CheckResponse{}
	return response, len(r.answer), proto.Unmarshal(r.answer[prefixBytes:], response)
}

// calls are calls of Check to make: call i has the body that next(i) returns.
type calls struct {
	address string
	next    func(i int) []byte
	least   int // so many calls are made at least
	length  int // of each answer, in bytes: another verdict has another one
}

// load keeps calls in flight for a time.
func (l calls) load(duration time.Duration) (s sample, err error) {
	c, err := dial(l.address)
	if err != nil {
		return s, err
	}
	defer func() { _ = c.socket.Close() }() // nothing is in flight
	start, sent := time.Now(), 0
	for ; sent < inFlight; sent++ {
		c.send(l.next(sent))
	}
	for len(s.latencies) < sent {
		r, err := c.receive()
		if err != nil {
			return s, err
		}
		if len(r.answer) != l.length {
			return s, fmt.Errorf("an answer of %d bytes, want %d: another verdict", len(r.answer), l.length)
		}
		now := time.Now()
		s.latencies = append(s.latencies, now.Sub(r.start))
		if now.Sub(start) < duration || sent < l.least {
			c.send(l.next(sent))
			sent++
		}
	}
	s.took = time.Since(start)
	return s, nil
}

package load

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	prefixBytes = 5         // of a gRPC message
	bufferBytes = 128 << 10 // read or written at a time
	giveBack    = 8 << 20   // of what was received; the server may send twice as much
	oneFrame    = 16 << 10  // the least that a server must take in a frame
)

// connection carries gRPC calls of Check as an Envoy worker's does: what is due
// at the same time is written together, and what has come is read together. The
// client of gRPC itself spends more on a call than the services that are
// measured, and shares their processors.
type connection struct {
	socket  net.Conn
	framer  *http2.Framer // read by one goroutine, which also owns unread
	unread  int           // received, and not yet given back
	headers []hpack.HeaderField

	mu      sync.Mutex
	out     *bufio.Writer
	fields  *hpack.Encoder
	block   bytes.Buffer
	message []byte
	next    uint32           // stream
	flying  map[uint32]*call // by stream
	waiting []*call          // for room
	window  int64            // bytes that the server takes
	room    int64            // streams that the server takes
	broken  error
}

// call is one request and its answer.
type call struct {
	Request
	// done is called once: by the goroutine that reads, which must not wait
	// and may send the next, or by send, when the connection has ended.
	done func(*call, error)

	answer []byte // with gRPC's prefix
	status string // gRPC's code
}

// dial connects. The connection reads until its socket is closed.
func dial(address string) (*connection, error) {
	socket, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &connection{
		socket: socket, out: bufio.NewWriterSize(socket, bufferBytes),
		next: 1, flying: map[uint32]*call{}, window: 65535, // until the server tells
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
	// out keeps its first error for the next flush.
	_, _ = c.out.WriteString(http2.ClientPreface)
	_ = c.framer.WriteSettings()
	_ = c.framer.WriteWindowUpdate(0, 2*giveBack)
	go func() { c.fail(c.read()) }()
	return c, nil
}

// flushing reads, and before it waits sends what is written.
type flushing struct{ *connection }

func (f flushing) Read(p []byte) (int, error) {
	if err := f.flush(); err != nil {
		return 0, err
	}
	return f.socket.Read(p)
}

// send writes a call, which goes out with the next flush, or once the server
// has room for it.
func (c *connection) send(r *call) {
	r.answer, r.status = r.answer[:0], ""
	c.mu.Lock()
	broken := c.broken
	if broken == nil && prefixBytes+len(r.Body) > oneFrame {
		broken = fmt.Errorf("a request of %d bytes, want %d at most", len(r.Body), oneFrame-prefixBytes)
	}
	if broken == nil {
		c.waiting = append(c.waiting, r)
		c.drain()
	}
	c.mu.Unlock()
	if broken != nil {
		r.done(r, broken)
	}
}

func (c *connection) flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return c.broken
	}
	return c.out.Flush()
}

// drain writes the calls that there is room for. Errors stay in out.
func (c *connection) drain() {
	sent := 0
	for _, r := range c.waiting {
		size := prefixBytes + len(r.Body)
		if int64(size) > c.window || int64(len(c.flying)) >= c.room {
			break
		}
		sent++
		stream := c.next
		c.next += 2
		c.flying[stream] = r
		c.window -= int64(size)
		c.block.Reset()
		for _, field := range c.headers {
			_ = c.fields.WriteField(field) // into memory
		}
		c.message = append(c.message[:0], 0)
		c.message = binary.BigEndian.AppendUint32(c.message, uint32(len(r.Body))) //nolint:gosec // a frame at most
		c.message = append(c.message, r.Body...)
		_ = c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: c.block.Bytes(), EndHeaders: true})
		_ = c.framer.WriteData(stream, true, c.message)
	}
	c.waiting = append(c.waiting[:0], c.waiting[sent:]...)
}

// read reads until the connection ends.
func (c *connection) read() error {
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return err
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			for _, field := range f.RegularFields() {
				if field.Name == "grpc-status" {
					c.find(f.StreamID).status = field.Value
				}
			}
			c.ended(f.StreamID, f.StreamEnded())
		case *http2.DataFrame:
			r := c.find(f.StreamID)
			r.answer = append(r.answer, f.Data()...)
			c.received(int(f.Length))
			c.ended(f.StreamID, f.StreamEnded())
		default:
			if err := c.control(f); err != nil {
				return err
			}
		}
	}
}

// control does what a frame that is no answer asks for.
func (c *connection) control(frame http2.Frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch f := frame.(type) {
	case *http2.SettingsFrame:
		if f.IsAck() {
			return nil
		}
		if v, ok := f.Value(http2.SettingInitialWindowSize); ok && v < oneFrame {
			return fmt.Errorf("the server takes only %d bytes a call", v)
		}
		c.room = 1 << 31 // unless the server says less
		if v, ok := f.Value(http2.SettingMaxConcurrentStreams); ok {
			c.room = int64(v)
		}
		c.drain()
		return c.framer.WriteSettingsAck()
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 { // a call fits the window of its stream
			c.window += int64(f.Increment)
			c.drain()
		}
		return nil
	case *http2.PingFrame:
		if f.IsAck() {
			return nil
		}
		return c.framer.WritePing(true, f.Data)
	case *http2.GoAwayFrame:
		return fmt.Errorf("the server ends the connection: %v", f.ErrCode)
	case *http2.RSTStreamFrame:
		return fmt.Errorf("the server ends a call: %v", f.ErrCode)
	}
	return nil
}

// find returns a call that is under way, or one that nobody waits for.
func (c *connection) find(stream uint32) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.flying[stream]; r != nil {
		return r
	}
	return &call{}
}

// received lets the server send more, now and then.
func (c *connection) received(bytes int) {
	c.unread += bytes
	if c.unread < giveBack {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.framer.WriteWindowUpdate(0, uint32(c.unread)) //nolint:gosec // little more than giveBack
	c.unread = 0
}

// ended hands an answer over when it is whole.
func (c *connection) ended(stream uint32, whole bool) {
	if !whole {
		return
	}
	c.mu.Lock()
	r := c.flying[stream]
	delete(c.flying, stream)
	c.drain()
	c.mu.Unlock()
	if r != nil {
		r.done(r, r.judge())
	}
}

// judge returns what is wrong with an answer.
func (r *call) judge() error {
	message, err := r.message()
	if err != nil {
		return err
	}
	allow, err := allowed(message)
	if err == nil && allow != r.Allow {
		err = fmt.Errorf("%w: allowed is %t, want %t", errVerdict, allow, r.Allow)
	}
	return err
}

// message returns the CheckResponse of an answer.
func (r *call) message() ([]byte, error) {
	if r.status != "0" {
		return nil, fmt.Errorf("gRPC status %q", r.status)
	}
	if len(r.answer) < prefixBytes || int(binary.BigEndian.Uint32(r.answer[1:])) != len(r.answer)-prefixBytes {
		return nil, errShape
	}
	return r.answer[prefixBytes:], nil
}

var errVerdict = errors.New("a wrong verdict")

// fail ends all calls.
func (c *connection) fail(err error) {
	c.mu.Lock()
	c.broken = err
	calls := c.waiting
	for _, r := range c.flying {
		calls = append(calls, r)
	}
	c.waiting, c.flying = nil, map[uint32]*call{}
	c.mu.Unlock()
	for _, r := range calls {
		r.done(r, fmt.Errorf("the connection ended: %w", err))
	}
}

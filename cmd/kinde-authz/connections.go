package main

import (
	"fmt"
	"net"
	"net/netip"
	"sync"

	"go.uber.org/zap"
)

// connections bound what is open on the gRPC port at a time. Those beyond are closed at
// once. One address may have half of them at most: the kubelet's probe and the other
// Envoys get in while one client floods the port. Unix sockets have no addresses; their
// clients are those that the permissions of the file let in.
type connections struct {
	log *zap.Logger

	mu      sync.Mutex
	limit   int
	open    int
	from    map[netip.Addr]int
	refused uint64
}

func newConnections(limit int, log *zap.Logger) *connections {
	return &connections{log: seldom(log), limit: limit, from: make(map[netip.Addr]int)}
}

// use bounds connections to so many from now on. Those that are open stay.
func (c *connections) use(limit int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = limit
}

// counts returns how many connections are open, and how many were refused so far.
func (c *connections) counts() (open int, refused uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open, c.refused
}

// String says how many connections there are.
func (c *connections) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%d of %d; %d refused", c.open, c.limit, c.refused)
}

// enter takes a place for a connection from an address, if there is one.
func (c *connections) enter(from netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open >= c.limit || from.IsValid() && c.from[from] >= (c.limit+1)/2 {
		c.refused++
		return false
	}
	c.open++
	if from.IsValid() {
		c.from[from]++
	}
	return true
}

// leave gives the place back.
func (c *connections) leave(from netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open--
	if c.from[from]--; c.from[from] <= 0 {
		delete(c.from, from)
	}
}

// boundedPort is a port with a bound on its connections.
type boundedPort struct {
	net.Listener
	connections *connections
}

// Accept implements [net.Listener].
func (p boundedPort) Accept() (net.Conn, error) {
	for {
		conn, err := p.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := addressOf(conn)
		if p.connections.enter(from) {
			return &boundedConn{Conn: conn, leave: sync.OnceFunc(func() { p.connections.leave(from) })}, nil
		}
		conn.Close()
		p.connections.log.Warn("a connection was refused: too many are open, or too many from its address",
			zap.String("setting", "limits.connections"), zap.Stringer("address", from))
	}
}

// boundedConn gives its place back when it is closed.
type boundedConn struct {
	net.Conn
	leave func()
}

// Close implements [net.Conn].
func (c *boundedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// addressOf is where a connection comes from, without the port; not valid for a Unix
// socket.
func addressOf(conn net.Conn) netip.Addr {
	if address, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return address.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

package load

import (
	"context"
	"time"
)

// Client asks one ext_authz server over one connection at a time.
type Client struct {
	address string
	*connection
	dialed time.Time
}

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
	connection, err := dial(address)
	return &Client{address, connection, time.Now()}, err
}

// Close ends the connection.
func (c *Client) Close() error { return c.socket.Close() }

// oldAge is well before a server ends a connection for its age.
const oldAge = 5 * time.Minute

// renew is called while nothing is in flight.
func (c *Client) renew() error {
	if time.Since(c.dialed) < oldAge {
		return nil
	}
	_ = c.Close() // nothing is in flight
	renewed, err := Dial(c.address)
	if err == nil {
		*c = *renewed
	}
	return err
}

// Ask sends one request and returns the whole answer, whatever the verdict.
func (c *Client) Ask(ctx context.Context, body []byte) (Answer, error) {
	if err := c.renew(); err != nil {
		return Answer{}, err
	}
	answered := make(chan *call, 1)
	c.send(&call{Request: Request{Body: body}, done: func(r *call, _ error) { answered <- r }})
	if err := c.flush(); err != nil {
		return Answer{}, err
	}
	select {
	case r := <-answered:
		message, err := r.message()
		if err != nil {
			return Answer{}, err
		}
		return parse(message)
	case <-ctx.Done():
		return Answer{}, context.Cause(ctx)
	}
}

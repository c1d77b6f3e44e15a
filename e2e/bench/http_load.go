package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// loadHTTP sends GETs with tokens, in turn, over connections that are kept alive, for a
// time. Each sends the next when it has the last one's answer, which must be 200.
func loadHTTP(address string, tokens []string, connections int, duration time.Duration) (sample, error) {
	steps := make([]func(int) error, connections)
	for n := range steps {
		c, err := dialHTTP(address)
		if err != nil {
			return sample{}, err
		}
		defer func() { _ = c.socket.Close() }() // nothing is in flight
		steps[n] = func(i int) error {
			status, err := c.get(tokens[(n+i*connections)%len(tokens)])
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("status %d", status)
			}
			return err
		}
	}
	return repeat(duration, steps)
}

// httpConnection does less than the client of net/http, which would take more of the
// machine than what is measured.
type httpConnection struct {
	socket net.Conn
	reader *bufio.Reader
}

func dialHTTP(address string) (*httpConnection, error) {
	socket, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &httpConnection{socket, bufio.NewReader(socket)}, nil
}

// get sends a request with a token and returns the answer's status.
func (c *httpConnection) get(token string) (status int, err error) {
	if err := c.socket.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	const head = "GET " + path + " HTTP/1.1\r\n" +
		"host: localhost\r\nuser-agent: bench\r\naccept: */*\r\nauthorization: Bearer "
	if _, err := c.socket.Write([]byte(head + token + "\r\n\r\n")); err != nil {
		return 0, err
	}
	answer, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }() // it is read
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// HTTP sends GETs over so many kept-alive connections, each sending the next
// when it has the last one's answer. Connection n begins with request n of
// the list and goes on in order. Every answer must be 200; a 503 is counted,
// any other ends it.
func HTTP(ctx context.Context, address string, end End, connections int, requests [][]byte) (Sample, error) {
	open := make([]net.Conn, 0, connections)
	defer func() {
		for _, connection := range open {
			_ = connection.Close() // nothing is in flight
		}
	}()
	return closed(ctx, end, connections, func(n int) (func(context.Context) error, error) {
		var dialer net.Dialer
		connection, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		open = append(open, connection)
		if err := connection.SetDeadline(time.Now().Add(end.After + time.Minute)); err != nil {
			return nil, err
		}
		reader := bufio.NewReader(connection)
		return func(context.Context) error {
			request := requests[n%len(requests)]
			n++
			if _, err := connection.Write(request); err != nil {
				return err
			}
			return passed(reader)
		}, nil
	})
}

const answerTimeout = 10 * time.Second

// Status sends one request over a connection of its own and returns the
// answer's status.
func Status(address string, request []byte) (int, error) {
	connection, err := net.DialTimeout("tcp", address, answerTimeout)
	if err != nil {
		return 0, err
	}
	defer func() { _ = connection.Close() }() // it was read
	if err := connection.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return 0, err
	}
	if _, err := connection.Write(request); err != nil {
		return 0, err
	}
	status, _, err := readHead(bufio.NewReader(connection))
	return status, err
}

// Get returns a request for a path with a token, as bytes to send.
func Get(path, token string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nhost: localhost\r\nuser-agent: bench\r\naccept: */*\r\nauthorization: Bearer " + token + "\r\n\r\n")
}

// passed reads an answer of 200; the error says what came instead.
func passed(reader *bufio.Reader) error {
	status, length, err := readHead(reader)
	if err != nil {
		return err
	}
	switch status {
	case http.StatusOK:
		_, err = reader.Discard(length)
		return err
	case http.StatusServiceUnavailable:
		_, err = reader.Discard(length)
		return errors.Join(errUnavailable, err)
	default:
		body, _ := io.ReadAll(io.LimitReader(reader, int64(min(length, 500)))) // as much as came
		return fmt.Errorf("status %d: %q", status, body)
	}
}

var errAnswer = errors.New("no HTTP answer with a content-length")

// readHead reads up to the body, whose length must be given.
func readHead(reader *bufio.Reader) (status, length int, err error) {
	line, err := reader.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, 0, errAnswer
	}
	status, err = strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, 0, errAnswer
	}
	length = -1
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return 0, 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("content-length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, 0, errAnswer
			}
		}
	}
	if length < 0 {
		return 0, 0, errAnswer
	}
	return status, length, nil
}

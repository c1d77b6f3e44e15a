package main

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// The exit codes.
const (
	exitFine   = 0
	exitFailed = 1
	exitUsage  = 2
)

// errRefused is the end of a command that has said why it fails.
var errRefused = errors.New("refused")

// usageError is a setting or an argument that is refused.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return exitFine
	}
	if !errors.Is(err, errRefused) { // what was printed says it all
		complain(stderr, err)
	}
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	return exitFailed
}

// complain prints a message, unless nobody takes it.
func complain(stderr io.Writer, err error) {
	printed := make(chan struct{})
	go func() { defer close(printed); fmt.Fprintln(stderr, "kinde-authz:", err) }()
	select {
	case <-printed:
	case <-time.After(flushTimeout):
	}
}

package main

import (
	"errors"
	"os"
	"time"

	"go.uber.org/zap"
)

// stopTimeout bounds the wait for calls in flight once the drain is over.
const stopTimeout = 10 * time.Second

var errStoppedAtOnce = errors.New("stopped at once by a second signal")

// drain ends the service without losing a request: first it reports itself
// unready and goes on serving until Envoy has turned away, then it finishes
// what is in flight. A second signal ends it at once.
func (s *service) drain(signals <-chan os.Signal, delay time.Duration) error {
	s.readiness.drain()
	s.log.Info("draining", zap.Duration("delay", delay))
	select {
	case <-time.After(delay):
	case <-signals:
		return errStoppedAtOnce
	}
	stopped := make(chan struct{})
	go func() { defer close(stopped); s.grpc.GracefulStop() }()
	select {
	case <-stopped:
	case <-time.After(stopTimeout):
		s.log.Warn("calls were still in flight", zap.Duration("waited", stopTimeout))
	case <-signals:
		return errStoppedAtOnce
	}
	s.log.Info("stopped")
	return nil
}

package main

import (
	"os"
	"time"

	"go.uber.org/zap"
)

// stopTimeout bounds the wait for calls in flight once the drain is over.
const stopTimeout = 10 * time.Second

// traceTimeout bounds the wait for a collector that is to take the last spans.
const traceTimeout = 2 * time.Second

// drain ends the service without losing a request: first it reports itself
// unready and goes on serving until Envoy has turned away, then it finishes
// what is in flight. A second signal ends it at once.
func (s *service) drain(signals <-chan os.Signal, delay time.Duration) error {
	s.readiness.drain()
	s.notifier.stopping()
	s.log.Info("draining", zap.Int64("delay_ms", delay.Milliseconds()))
	select {
	case <-time.After(delay):
	case <-signals:
		return s.stopAtOnce()
	}
	stopped := make(chan struct{})
	go func() { defer close(stopped); s.grpc.GracefulStop() }()
	select {
	case <-stopped:
	case <-time.After(stopTimeout):
		s.log.Warn("calls were still in flight", zap.Int64("waited_ms", stopTimeout.Milliseconds()))
	case <-signals:
		return s.stopAtOnce()
	}
	s.tracing.Stop(traceTimeout)
	s.log.Info("stopped")
	return nil
}

// stopAtOnce says why calls in flight are lost, and that the exit code is not 0.
func (s *service) stopAtOnce() error {
	s.log.Warn("stopped at once by a second signal")
	return errRefused
}

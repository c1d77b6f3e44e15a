package main

import (
	"os"
	"os/signal"
	"syscall"

	"go.uber.org/zap"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

type serveCommand struct {
	Flags settings.Flags `embed:""`
}

// Help is what --help says beside the flags.
func (*serveCommand) Help() string {
	return "Traces are sent when OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT names an OpenTelemetry " +
		"collector; the other variables of OpenTelemetry's SDK say how, such as OTEL_EXPORTER_OTLP_PROTOCOL (http/protobuf " +
		"or grpc) and OTEL_TRACES_SAMPLER. Under systemd with Type=notify it tells when it is ready."
}

// Run serves until a signal ends it.
func (c *serveCommand) Run() error {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // before all else: a hangup ends a process that does not listen
	loaded, err := c.Flags.Read()
	if err != nil {
		return usageError{err}
	}
	signal.Ignore(syscall.SIGPIPE) // a reader of the log that ends would end the service
	level := zap.NewAtomicLevelAt(loaded.LogLevel)
	logs := newLogs(level, os.Stderr)
	logs.capture()
	defer logs.queue.close(flushTimeout)
	setMemoryLimits(logs.events)
	service, err := newService(&c.Flags, loaded, logs)
	if err != nil {
		return err
	}
	service.level = level
	signals := make(chan os.Signal, 2) // the one that drains and the one that ends at once
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	return service.run(signals, hangups)
}

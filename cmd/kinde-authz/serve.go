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

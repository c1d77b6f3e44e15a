package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap/zapcore"
)

// slowCore is a log that does not take the message of a reload before it is told to.
type slowCore struct {
	zapcore.Core
	reloading, proceed, draining chan struct{}
}

func (slowCore) Enabled(zapcore.Level) bool { return true }

func (c slowCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return checked.AddCore(entry, c)
}

func (c slowCore) Write(entry zapcore.Entry, _ []zapcore.Field) error {
	switch entry.Message {
	case "settings reloaded":
		close(c.reloading)
		<-c.proceed
	case "draining":
		close(c.draining)
	}
	return nil
}

// Neither signal waits for a reload that is under way.
func TestSignalsDoNotWaitForAReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "authz.yaml")
	const content = "issuers: [{domain: https://a.kinde.com, jwks_file: /dev/null}]\ndrain_delay: 1h\n"
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	log := slowCore{zapcore.NewNopCore(), make(chan struct{}), make(chan struct{}), make(chan struct{})}
	defer close(log.proceed)
	s := serviceWith(t, path, log)
	signals, hangups, ended := make(chan os.Signal, 2), make(chan os.Signal, 1), make(chan error, 1)
	go func() { ended <- s.run(signals, hangups) }()
	hangups <- syscall.SIGHUP
	within(t, log.reloading, "the reload is under way")
	signals <- syscall.SIGTERM
	within(t, log.draining, "it drains")
	signals <- syscall.SIGTERM
	select {
	case err := <-ended:
		if !errors.Is(err, errRefused) {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it has not ended")
	}
}

func within(t *testing.T, done <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("still not true: %s", what)
	}
}

package main

import (
	"io"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// flushEvery is how long a line waits at most for others to be written with.
const flushEvery = 100 * time.Millisecond

// newLogger returns a logger of JSON lines that leaves out no line: each
// decision counts. It writes many at once, since a call of the system costs as
// much as half a decision; flush writes what is left.
func newLogger(level zap.AtomicLevel, out io.Writer) (log *zap.Logger, flush func()) {
	config := zap.NewProductionEncoderConfig()
	config.TimeKey = "time"
	config.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	buffer := &zapcore.BufferedWriteSyncer{WS: zapcore.AddSync(lasting{out}), FlushInterval: flushEvery}
	log = zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(config), buffer, level))
	return log, func() { _ = buffer.Stop() } // there is nowhere to tell
}

// lasting is a writer whose faults pass: a buffer gives up at the first, and a
// full disk may have room again.
type lasting struct{ io.Writer }

// Write writes what it can.
func (l lasting) Write(lines []byte) (int, error) {
	_, _ = l.Writer.Write(lines) // there is nowhere to tell
	return len(lines), nil
}

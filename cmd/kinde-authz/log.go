package main

import (
	"io"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// flushEvery is how long the line of a decision waits at most for others to be
// written with.
const flushEvery = 20 * time.Millisecond

// pipeBuffer is what is written at a time at most: a pipe that others write to as
// well takes so much without cutting a line (PIPE_BUF).
const pipeBuffer = 4 << 10

// logs write JSON lines and leave out none; a process that is killed loses what
// waits.
type logs struct {
	events *zap.Logger // what happens to the service, written at once
	// decisions are written many at a time: a call of the system costs as much
	// as half a decision.
	decisions *zap.Logger
	flush     func() // writes the decisions that wait, and ends their waiting
}

func newLogs(level zap.AtomicLevel, out io.Writer) *logs {
	config := zap.NewProductionEncoderConfig()
	config.TimeKey = "time"
	config.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	to := func(out zapcore.WriteSyncer) *zap.Logger {
		return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(config), out, level))
	}
	lasting := zapcore.Lock(zapcore.AddSync(lasting{out}))
	buffer := &zapcore.BufferedWriteSyncer{WS: lasting, FlushInterval: flushEvery, Size: pipeBuffer}
	return &logs{to(lasting), to(buffer), func() { _ = buffer.Stop() }} // there is nowhere to tell
}

// lasting is a writer whose faults pass: a buffer gives up at the first, and a
// full disk may have room again.
type lasting struct{ io.Writer }

// Write writes what it can.
func (l lasting) Write(lines []byte) (int, error) {
	_, _ = l.Writer.Write(lines) // there is nowhere to tell
	return len(lines), nil
}

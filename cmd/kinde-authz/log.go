package main

import (
	"io"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zapgrpc"
	"google.golang.org/grpc/grpclog"
)

// flushTimeout bounds the wait for the log at the end.
const flushTimeout = 500 * time.Millisecond

// logs write JSON lines to one queue, which never makes its callers wait.
type logs struct {
	events    *zap.Logger   // what happens to the service, written at once
	decisions *zap.Logger   // written many at a time: a system call costs as much as half a decision
	dropped   atomic.Uint64 // lines
	queue     *lineQueue
}

func newLogs(level zap.AtomicLevel, out io.Writer) *logs {
	config := zap.NewProductionEncoderConfig()
	config.TimeKey = "time"
	config.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoder := zapcore.NewJSONEncoder(config)
	l := &logs{}
	l.queue = newLineQueue(out, &l.dropped, func(lines uint64) []byte {
		entry := zapcore.Entry{Level: zap.WarnLevel, Time: time.Now(), Message: "log lines were dropped"}
		line, _ := encoder.EncodeEntry(entry, []zap.Field{zap.Uint64("lines", lines)}) // it has no value that could fail
		return line.Bytes()
	})
	to := func(w *lineWriter) *zap.Logger { return zap.New(zapcore.NewCore(encoder, w, level)) }
	l.events = to(&lineWriter{queue: l.queue, room: maxQueued, atOnce: true, mask: mask})
	l.decisions = to(&lineWriter{queue: l.queue, room: maxQueued - eventRoom, mask: maskDecision})
	return l
}

// capture sends to the log what libraries would write to standard error
// themselves, and wait for.
func (l *logs) capture() {
	_, _ = zap.RedirectStdLogAt(l.events, zap.WarnLevel) // it fails for an unknown level alone
	grpclog.SetLoggerV2(zapgrpc.NewLogger(l.events.WithOptions(zap.IncreaseLevel(zap.ErrorLevel))))
}

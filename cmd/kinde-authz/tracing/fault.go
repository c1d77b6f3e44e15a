package tracing

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// faultsEvery is how often a fault is logged at most: a collector that is away
// fails every few seconds.
const faultsEvery = time.Minute

// faults tells the log what goes wrong with traces, now and then. It is where the SDK
// sends its own messages, which would otherwise go to standard error, and wait for it.
type faults struct {
	log *zap.Logger
	now func() time.Time

	mu    sync.Mutex
	last  time.Time // that something was logged
	spans int       // lost since then
}

// lost tells that so many spans were not sent.
func (f *faults) lost(spans int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spans += spans
	now := f.now()
	if !f.last.IsZero() && now.Sub(f.last) < faultsEvery {
		return
	}
	f.log.Warn("traces could not be sent", zap.Int("spans", f.spans), zap.String("error", plain(err)))
	f.last, f.spans = now, 0
}

// Handle implements [otel.ErrorHandler].
func (f *faults) Handle(err error) {
	f.log.Warn("OpenTelemetry reports a fault", zap.String("error", plain(err)))
}

// Error implements [logr.LogSink]. The values that come with a message can be headers.
func (f *faults) Error(_ error, message string, _ ...any) {
	f.log.Warn("OpenTelemetry passed over a setting of its environment", zap.String("error", message))
}

// Init implements [logr.LogSink].
func (*faults) Init(logr.RuntimeInfo) {}

// Enabled implements [logr.LogSink].
func (*faults) Enabled(int) bool { return false }

// Info implements [logr.LogSink].
func (*faults) Info(int, string, ...any) {}

// WithValues implements [logr.LogSink].
func (f *faults) WithValues(...any) logr.LogSink { return f }

// WithName implements [logr.LogSink].
func (f *faults) WithName(string) logr.LogSink { return f }

var (
	httpStatus = regexp.MustCompile(`: ([45]\d\d [A-Za-z ]+) \(body: `)
	rejected   = regexp.MustCompile(`\((\d+) spans? rejected\)$`)
)

// plain is an error in words that hold no secret: neither the address, which may have a
// key in it, nor what the collector answered, which may repeat one.
func plain(err error) string {
	var address *url.Error
	if errors.As(err, &address) {
		err = address.Err
		if errors.Is(err, context.DeadlineExceeded) {
			return "no answer in time"
		}
		return err.Error()
	}
	if code := status.Code(err); code != codes.Unknown && code != codes.OK {
		return "the collector answered with the gRPC code " + code.String()
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return "no answer in time"
	}
	text := err.Error()
	if status := httpStatus.FindStringSubmatch(text); status != nil {
		return "the collector answered " + status[1]
	}
	if refused := rejected.FindStringSubmatch(text); refused != nil {
		return "the collector refused spans: " + refused[1]
	}
	if strings.Contains(text, "retry-able request failure") {
		return "the collector answered that it is overloaded or away (429, 502, 503 or 504)"
	}
	return "it is not told, since the message might hold a secret"
}

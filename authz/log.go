package authz

import (
	"strings"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Limits, in bytes, on what a client can put into a log line.
const (
	maxLoggedPath   = 256
	maxLoggedID     = 128
	maxLoggedMethod = 32
)

// decisionLogs returns a log for the decisions of each reason, in which what all
// of them say is written already.
func decisionLogs(log *zap.Logger) map[Reason]*zap.Logger {
	logs := make(map[Reason]*zap.Logger, len(answers)+2)
	for _, reason := range Reasons() {
		d := Decision{Reason: reason, allowed: reason == Allowed || reason == Public}
		fields := []zap.Field{zap.String("decision", d.Verdict()), zap.String("reason", string(reason))}
		if hint := d.Hint(); hint != "" {
			fields = append(fields, zap.String("hint", hint))
		}
		logs[reason] = log.With(fields...)
	}
	return logs
}

// log writes the line of the decision.
func (c *check) log(log *zap.Logger) {
	entry := log.Check(zap.InfoLevel, "decision")
	if entry == nil {
		return
	}
	c.fields[0] = zap.Inline(c)
	entry.Write(c.fields[:]...)
}

// MarshalLogObject implements [zapcore.ObjectMarshaler]. Nothing of the token
// goes in but the organization.
func (c *check) MarshalLogObject(line zapcore.ObjectEncoder) error {
	d, r := &c.decision, &c.request
	path, _, _ := strings.Cut(r.Path, "?")
	path, _, _ = strings.Cut(path, "#")
	line.AddByteString("decision_id", d.ID[:])
	line.AddString("x-request-id", cut(r.ID, maxLoggedID))
	line.AddString("actor", d.Actor())
	line.AddString("org_code", d.Org())
	line.AddString("policy", d.Policy())
	line.AddString("method", cut(r.Method, maxLoggedMethod))
	line.AddString("path", cut(path, maxLoggedPath))
	line.AddDuration("duration", c.took)
	if d.Detail != "" {
		line.AddString("detail", d.Detail)
	}
	return nil
}

// cut shortens what a client typed.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}

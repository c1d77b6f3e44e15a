package authz

import (
	"strings"
	"time"

	"go.uber.org/zap"
)

// Limits, in bytes, on what a client can put into a log line.
const (
	maxLoggedPath   = 256
	maxLoggedID     = 128
	maxLoggedMethod = 32
)

// logDecision writes the line of a decision. Nothing of the token goes in but
// the organization.
func logDecision(log *zap.Logger, request *Request, d *Decision, took time.Duration) {
	entry := log.Check(zap.InfoLevel, "decision")
	if entry == nil {
		return
	}
	path, _, _ := strings.Cut(request.Path, "?")
	path, _, _ = strings.Cut(path, "#")
	org := ""
	if d.Token != nil {
		org = d.Token.OrgCode
	}
	fields := []zap.Field{
		zap.String("decision_id", d.ID), zap.String("x-request-id", cut(request.ID, maxLoggedID)),
		zap.String("decision", d.Verdict()), zap.String("reason", string(d.Reason)),
		zap.String("actor", d.Actor()), zap.String("org_code", org), zap.String("policy", d.Policy),
		zap.String("method", cut(request.Method, maxLoggedMethod)), zap.String("path", cut(path, maxLoggedPath)),
		zap.Duration("duration", took),
	}
	if !d.allowed {
		fields = append(fields, zap.String("hint", answers[d.Reason].hint))
	}
	if d.Detail != "" {
		fields = append(fields, zap.String("detail", d.Detail))
	}
	entry.Write(fields...)
}

// cut shortens what a client typed.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}

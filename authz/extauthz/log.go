package extauthz

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/kinde-authz/kinde-authz/authz"
)

// Limits, in bytes, on what a client can put into a log line.
const (
	maxLoggedPath   = 256
	maxLoggedID     = 128
	maxLoggedMethod = 32
)

// decisionLogs returns a log for the decisions of each reason, in which what all
// of them say is written already.
func decisionLogs(log *zap.Logger) map[authz.Reason]*zap.Logger {
	logs := make(map[authz.Reason]*zap.Logger)
	for _, reason := range authz.Reasons() {
		effect := "allow"
		fields := []zap.Field{zap.String("reason", string(reason))}
		if reason != authz.Allowed && reason != authz.Public {
			denial := authz.Denial(reason, "")
			effect, fields = denial.Effect(), append(fields, zap.String("hint", denial.Hint()))
		}
		fields = append([]zap.Field{zap.String("decision", effect)}, fields...)
		logs[reason] = log.With(fields...)
	}
	return logs
}

// log writes the line of the decision. Denials are written at every level, to say
// why is what the log is for, and so is what a policy in shadow would have denied.
func (c *call) log(log *zap.Logger) {
	if c.isPlainAllow() && !log.Core().Enabled(zap.InfoLevel) {
		return
	}
	c.fields[0] = zap.Inline(c)
	entry := zapcore.Entry{Level: zap.InfoLevel, Time: time.Now(), Message: "decision"}
	_ = log.Core().Write(entry, c.fields[:]) // there is nowhere to tell
}

// isPlainAllow reports whether nothing was denied, nor would have been by a policy in
// shadow: such a line may be left out.
func (c *call) isPlainAllow() bool { return c.decision.Allowed() && c.decision.ShadowReason() == "" }

// MarshalLogObject implements [zapcore.ObjectMarshaler]. Nothing of the token
// goes in but issuer, client and organization.
func (c *call) MarshalLogObject(line zapcore.ObjectEncoder) error {
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
	line.AddFloat64("duration_ms", float64(c.observed.Took)/float64(time.Millisecond))
	if issuer := d.Issuer(); issuer != "" {
		line.AddString("issuer", issuer)
		line.AddString("client_id", d.ClientID())
	}
	if method := d.MCPMethod(); method != "" {
		line.AddString("mcp_method", method)
	}
	if tool := d.MCPTool(); tool != "" {
		line.AddString("mcp_tool", tool)
	}
	if d.Detail != "" {
		line.AddString("detail", d.Detail)
	}
	if shadow := d.ShadowReason(); shadow != "" {
		line.AddString("shadow_reason", string(shadow))
	}
	if d.IsMissing() {
		return line.AddArray("missing", (*missing)(d))
	}
	return nil
}

// missing is a decision as the list of what the token lacks.
type missing authz.Decision

// MarshalLogArray implements [zapcore.ArrayMarshaler].
func (m *missing) MarshalLogArray(list zapcore.ArrayEncoder) error {
	for name := range (*authz.Decision)(m).Missing() {
		list.AppendString(name)
	}
	return nil
}

// cut shortens what a client typed. What a terminal would obey, such as an override of
// the direction of text, becomes U+FFFD.
func cut(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit] + "…"
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return strings.Map(printable, s)
		}
	}
	return s
}

func printable(r rune) rune {
	if !unicode.IsPrint(r) {
		return utf8.RuneError
	}
	return r
}

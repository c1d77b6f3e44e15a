package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/playground"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
)

// Limits on what a line shows, in characters.
const (
	maxPath = 60
	maxHint = 100
)

// denials reads kinde-authz's log as it is written, and shows each denial as one
// line for a person.
func denials(out io.Writer) io.Writer {
	return process.Lines(func(line []byte) {
		if text := denial(line); text != "" {
			fmt.Fprintln(out, text)
		}
	})
}

// entry is what is read of a log line. A field that is missing is empty.
type entry struct {
	Time     string   `json:"time"`
	Decision string   `json:"decision"`
	Reason   string   `json:"reason"`
	Method   string   `json:"method"`
	Path     string   `json:"path"`
	Actor    string   `json:"actor"`
	OrgCode  string   `json:"org_code"`
	Missing  []string `json:"missing"`
	Hint     string   `json:"hint"`
}

// denial returns the line that shows a denial, or nothing for any other entry.
func denial(line []byte) string {
	var e entry
	_ = json.Unmarshal(line, &e) // a field of another type stays empty
	if e.Decision != "deny" {
		return ""
	}
	at, err := time.Parse(time.RFC3339Nano, e.Time)
	if err != nil {
		at = time.Now()
	}
	text := fmt.Sprintf("%s  %3d %-19s  %s %s", at.Local().Format(time.TimeOnly), playground.StatusOf(e.Reason), e.Reason, e.Method, cut(e.Path, maxPath))
	if who := e.who(); who != "" {
		text += "  " + who
	}
	if len(e.Missing) > 0 {
		text += "  missing " + cut(strings.Join(e.Missing, ", "), maxPath)
	}
	if e.Hint != "" {
		text += "  -> " + cut(e.Hint, maxHint)
	}
	return printable(text)
}

// who is the caller, once the token was verified.
func (e *entry) who() string {
	actor := map[string]string{"user": "user", "system": "machine"}[e.Actor]
	if actor != "" && e.OrgCode != "" {
		return actor + " of " + e.OrgCode
	}
	return actor
}

// cut shortens a text, between words where it can.
func cut(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	text = string(runes[:limit])
	if space := strings.LastIndexByte(text, ' '); space > limit/2 {
		text = text[:space]
	}
	return strings.TrimRight(text, " ,;:") + " …"
}

// printable takes out what a client could move the cursor of a terminal with.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

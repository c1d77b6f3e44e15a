package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/kinde-authz/kinde-authz/authz"
)

// marks are how the outcomes of steps are printed.
var marks = map[authz.Outcome]string{authz.Passed: "ok", authz.NotConfigured: "--", authz.Decided: "=>", authz.NotReached: "  "}

// text is the explanation for people.
func (e *explanation) text() string {
	var out strings.Builder
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&out, "%-9s %s\n", label, fmt.Sprintf(format, args...))
	}
	line("request", "%q %q", e.Method, e.Path)
	line("route", "%s", cmp.Or(e.Route, "none matched"))
	line("policy", "%s", cmp.Or(e.Policy, "none"))
	for _, fault := range e.Keys {
		line("keys", "%s", fault)
	}
	out.WriteByte('\n')
	for _, s := range e.Steps {
		text := s.Name
		switch s.Outcome {
		case authz.Decided:
			text += ": " + string(e.Reason)
		case authz.NotConfigured, authz.NotReached:
			text += ": " + string(s.Outcome)
		}
		line("  "+marks[s.Outcome], "%s", text)
	}
	out.WriteByte('\n')
	if e.Status == 0 {
		line(e.Decision, "%s", e.Reason)
	} else {
		line(e.Decision, "%s, status %d %s", e.Reason, e.Status, http.StatusText(e.Status))
	}
	for label, text := range ordered("because", e.Detail, "missing", e.Missing, "change", e.Hint) {
		line(label, "%s", text)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Set)) {
		line("sets", "%s: %s", name, e.Set[name])
	}
	if len(e.Remove) > 0 {
		line("removes", "%s", strings.Join(e.Remove, " "))
	}
	return out.String()
}

// ordered yields the pairs that have a text.
func ordered(pairs ...string) func(yield func(label, text string) bool) {
	return func(yield func(label, text string) bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] != "" && !yield(pairs[i], pairs[i+1]) {
				return
			}
		}
	}
}

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

// text is the explanation for people.
func (e *explanation) text() string {
	var out strings.Builder
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&out, "%-9s %s\n", label, fmt.Sprintf(format, args...))
	}
	line("request", "%q %q", e.Method, e.Path)
	if e.unsent != "" {
		line("token", "none: %s", e.unsent)
	}
	line("route", "%s", e.route())
	line("policy", "%s", cmp.Or(e.Policy, "none"))
	for label, text := range ordered("resource", e.Resource, "message", e.MCP, "tool", e.Tool) {
		line(label, "%s", text)
	}
	for _, fault := range e.Keys {
		line("keys", "%s", fault)
	}
	out.WriteByte('\n')
	e.writeSteps(&out)
	out.WriteByte('\n')
	if e.Status == 0 {
		line(e.Decision, "%s", e.Reason)
	} else {
		line(e.Decision, "%s, status %d %s", e.Reason, e.Status, http.StatusText(e.Status))
	}
	for label, text := range ordered("because", e.Detail, "shadow", e.shadow(), "missing", e.Missing, "change", e.Hint) {
		line(label, "%s", text)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Set)) {
		line("sets", "%s: %s", name, e.Set[name])
	}
	if len(e.Remove) > 0 {
		line("removes", "%s", strings.Join(e.Remove, " "))
	}
	for _, warning := range e.Warnings {
		line("warning", "%s", warning)
	}
	return out.String()
}

// route says which one matches, and what holds where none does.
func (e *explanation) route() string {
	if e.Route == "" && e.Policy == "default" {
		return "none: the policy default holds"
	}
	return cmp.Or(e.Route, "none")
}

// shadow says what a policy in shadow would have answered.
func (e *explanation) shadow() string {
	if e.Shadow == "" {
		return ""
	}
	return string(e.Shadow) + ", if the policy were not in shadow"
}

// writeSteps prints each step that was reached with how it went, and points at
// the one that decided.
func (e *explanation) writeSteps(out *strings.Builder) {
	width := 0
	for _, s := range e.Steps {
		width = max(width, len(s.Name))
	}
	unreached := 0
	for _, s := range e.Steps {
		mark, text := "", string(s.Outcome)
		switch s.Outcome {
		case authz.Passed:
			text = "ok"
		case authz.Decided:
			mark, text = "=>", string(e.Reason)
		case authz.WouldDeny:
			mark = "~>"
		case authz.NotReached:
			unreached++
			continue
		}
		fmt.Fprintf(out, "%2s %-*s  %s\n", mark, width, s.Name, text)
	}
	if unreached > 0 {
		fmt.Fprintf(out, "   %-*s  %s\n", width, fmt.Sprintf("%d more", unreached), authz.NotReached)
	}
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

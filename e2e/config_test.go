package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
)

// lowered spells header names as HTTP/2 does.
func lowered(headers []string) []string {
	out := make([]string, len(headers))
	for i, header := range headers {
		out[i] = strings.ToLower(header)
	}
	return out
}

// edit is one change of a configuration.
type edit = e2etest.Edit

// edited returns the path of a copy of envoy.yaml with the changes.
func edited(t *testing.T, edits ...edit) string {
	t.Helper()
	return editedFile(t, "envoy.yaml", edits...)
}

// editedFile returns the path of a copy of a file of the project with the changes.
func editedFile(t *testing.T, name string, edits ...edit) string {
	t.Helper()
	return e2etest.EditedFile(t, filepath.Join("..", name), edits...)
}

// indented is a part of a configuration, so many spaces deeper.
func indented(text string, spaces int) string {
	indent := strings.Repeat(" ", spaces)
	return indent + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+indent) + "\n"
}

// withoutStripping returns the path of an envoy.yaml in which the service alone
// keeps forged headers from the agent.
func withoutStripping(t *testing.T) string {
	return edited(t,
		edit{"headers_with_underscores_action: REJECT_REQUEST", "headers_with_underscores_action: ALLOW"},
		edit{`key_matcher: {safe_regex: {regex: "x[^a-z0-9]kinde[^a-z0-9].*"}}`, "key_matcher: {exact: x-nothing}"})
}

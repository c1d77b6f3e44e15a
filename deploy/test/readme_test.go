package deploy

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// The table of the chart's README is made of the comments.
func TestChartReadme(t *testing.T) {
	const path, begin, end = "deploy/helm/kinde-authz/README.md", "<!-- values: begin -->\n", "<!-- values: end -->"
	text := read(t, path)
	before, rest, found := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s lost its marks", path)
	}
	var table strings.Builder
	table.WriteString("| value | default | |\n|---|---|---|\n")
	for _, v := range values(t) {
		var content any
		if err := v.node.Decode(&content); err != nil {
			t.Fatal(err)
		}
		standard, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&table, "| `%s` | `%s` | %s |\n", v.path, standard, v.comment)
	}
	made(t, path, before+begin+table.String()+end+after)
}

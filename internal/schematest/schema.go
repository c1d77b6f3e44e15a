// Package schematest compares the JSON Schemas of the documents with the types that read
// the files.
package schematest

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"
)

// Compare compares the schema in a file with that of the types, or writes the file anew.
func Compare(t *testing.T, path string, schema *jsonschema.Schema, update bool) {
	t.Helper()
	want, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if update {
		if err := os.WriteFile(path, want, 0o644); err != nil { //nolint:gosec // a document of the project
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path) //nolint:gosec // a document of the project
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("go test . -run Schema -update writes it anew (-want +got)\n%s", diff)
	}
}

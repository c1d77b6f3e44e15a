package settings

import (
	"os"
	"strings"
	"testing"
)

// Whatever the file holds, it is read, or refused with a line; no check in
// what is read is empty.
func FuzzSettings(f *testing.F) {
	for _, row := range settingsFiles {
		f.Add(row.content)
	}
	example, err := os.ReadFile("../../../deploy/kinde-authz.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	f.Fuzz(func(t *testing.T, content string) {
		s, _, err := (&Flags{Decision: Decision{Config: "f.yaml"}}).ParseAlone([]byte(content))
		if err != nil {
			return
		}
		if _, _, err := s.Build(nil); err != nil {
			if !strings.HasPrefix(err.Error(), "f.yaml: [") {
				t.Errorf("an error without a line: %v", err)
			}
			return
		}
		s.Warnings()
		for _, issuer := range s.Verifier.Issuers {
			if issuer.Audience != nil && len(issuer.Audience) == 0 {
				t.Error("an empty audience")
			}
		}
	})
}

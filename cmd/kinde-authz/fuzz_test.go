package main

import (
	"os"
	"testing"
)

// Whatever the file holds, it is read or refused; what is read can be built, and
// no check in it is empty.
func FuzzSettings(f *testing.F) {
	for _, row := range settingsFiles {
		f.Add(row.content)
	}
	example, err := os.ReadFile("../../deploy/kinde-authz.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	domain := "https://yourapp.kinde.com"
	f.Fuzz(func(t *testing.T, content string) {
		parsed, err := parseFile([]byte(content))
		if err != nil {
			return
		}
		flags := &flags{decisionFlags: decisionFlags{Config: "f.yaml"}}
		if len(parsed.Issuers) == 0 {
			flags.Domain = &domain
		}
		s, err := flags.check(parsed)
		if err != nil {
			return
		}
		if _, _, err := s.build(nil); err != nil {
			t.Errorf("it is read and cannot be built: %v", err)
		}
		for _, issuer := range s.verifier.Issuers {
			if issuer.Audience != nil && len(issuer.Audience) == 0 {
				t.Error("an empty audience")
			}
		}
	})
}

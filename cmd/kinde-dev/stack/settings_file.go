package stack

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// settingsFile is what the stack must know of kinde-authz's file. Whether the rest makes
// sense is for kinde-authz to say.
type settingsFile struct {
	Issuers   []struct{ Domain string }
	Assertion struct{ Audience string }

	unread bool // it is no YAML, or says these things in another form
}

func readSettings(path string) (*settingsFile, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var read settingsFile
	read.unread = yaml.Unmarshal(content, &read) != nil // kinde-authz says what is wrong, and where
	return &read, nil
}

// foreign says what to add when no issuer of the file is the one at that URL.
func (f *settingsFile) foreign(issuer string) string {
	if f.unread || slices.ContainsFunc(f.Issuers, func(i struct{ Domain string }) bool { return strings.TrimRight(i.Domain, "/") == issuer }) {
		return ""
	}
	line := fmt.Sprintf("{domain: %q, audience: [%s], allowed_orgs: [%s]}", issuer, kindetest.Audience, strings.ReplaceAll(AllowedOrgs, ",", ", "))
	if len(f.Issuers) == 0 {
		return "it names no issuer, so no token of this stack passes. Add:\nissuers: [" + line + "]"
	}
	return "it does not name the issuer of this stack, none of whose tokens passes. Add below issuers:\n  - " + line
}

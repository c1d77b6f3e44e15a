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
	Issuers      []struct{ Domain string }
	Assertion    struct{ Audience string }
	InsecureHTTP bool `yaml:"insecure_http"`
}

// readSettings returns nothing of a file that is no YAML, or says these things in
// another form: kinde-authz tells what is wrong with it, and where.
func readSettings(path string) (read *settingsFile, err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if yaml.Unmarshal(content, &read) != nil || read == nil {
		return nil, nil //nolint:nilnil // as told above
	}
	return read, nil
}

// names reports whether one of the issuers is that one.
func (f *settingsFile) names(issuer string) bool {
	return slices.ContainsFunc(f.Issuers, func(i struct{ Domain string }) bool { return strings.TrimRight(i.Domain, "/") == issuer })
}

// missing is what to add so that the tokens of the issuer pass.
func (f *settingsFile) missing(issuer string) (warnings []string) {
	line := fmt.Sprintf("{domain: %q, audience: [%s], allowed_orgs: [%s]}", issuer, kindetest.Audience, strings.ReplaceAll(AllowedOrgs, ",", ", "))
	switch {
	case len(f.Issuers) == 0:
		warnings = append(warnings, "it names no issuer. Add:\nissuers: ["+line+"]")
	case !f.names(issuer):
		warnings = append(warnings, "it does not name the issuer of this stack, none of whose tokens passes. Add below issuers:\n  - "+line)
	}
	if !f.InsecureHTTP {
		warnings = append(warnings, "it allows no issuer without TLS, as that of this stack is. Add:\ninsecure_http: true")
	}
	return warnings
}

package settings

import (
	"fmt"

	"github.com/kinde-authz/kinde-authz/authz"
)

// Warning is what is valid and probably a mistake.
type Warning struct {
	// Place is where it is in the file, as file:line.
	Place string
	// Text says what may go wrong and what to change.
	Text string
}

// Warnings returns what is valid and probably a mistake in settings that can be
// built.
func (s *Settings) Warnings() (all []Warning) {
	for _, w := range append(authz.Warnings(s.Authorizer), s.resourceWarnings()...) {
		all = append(all, Warning{s.Place(w.Path...), w.Text})
	}
	return all
}

// Place says where the setting at the end of a path is, as file:line; without a path,
// which file it is.
func (s *Settings) Place(path ...string) string {
	if len(path) == 0 || s.file.root == nil {
		return s.path
	}
	return fmt.Sprintf("%s:%d", s.path, s.find(path).line())
}

// Summary counts what is configured and says what a path gets that no route
// matches.
func (s *Settings) Summary() string {
	issuers := len(s.Verifier.Issuers)
	if s.standIn {
		issuers = 0
	}
	return fmt.Sprintf("%s, %s, %s; %s", Counted(issuers, "issuer", "issuers"),
		Counted(len(s.Authorizer.Policies), "policy", "policies"), Counted(len(s.Authorizer.Routes), "route", "routes"), s.Unmatched())
}

// Counted returns a number with its noun, like 1 route or 2 routes.
func Counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Unmatched says what a path gets that no route matches.
func (s *Settings) Unmatched() string {
	_, defined := s.Authorizer.Policies["default"]
	switch routed := len(s.Authorizer.Routes) > 0; {
	case routed && defined:
		return "other paths: policy default"
	case routed:
		return "other paths: denied"
	case defined:
		return "all paths: policy default"
	default:
		return "all paths: any valid token"
	}
}

package settings

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"

	"github.com/kinde-authz/kinde-authz/internal/strictyaml"
	"github.com/kinde-authz/kinde-authz/internal/suggest"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// locate says of an error about a setting where that is: at a line of the file, or
// in which flag and variable.
func (s *Settings) locate(err error) error {
	var refused *kinde.ConfigError
	if !errors.As(err, &refused) {
		return err
	}
	if refused.Path[0] == "issuers" && len(s.file.Issuers) == 0 {
		return fmt.Errorf("%s: %w%s", flagOf(refused.Path), refused.Err, httpHint(refused.Path))
	}
	if s.file.root == nil {
		return err
	}
	at := s.find(refused.Path)
	hint := s.hint(at.name, at.value.Value)
	return fmt.Errorf("%s: %w", s.path, strictyaml.Show(s.file.content, refuse(at.value, "%s: %v%s", at.name, refused.Err, hint)))
}

// flagOf is how the setting of the one issuer is named that flags and the
// environment describe.
func flagOf(path []string) string {
	switch path[len(path)-1] {
	case "domain":
		return domainFlag
	case "audience":
		return audienceFlag
	default:
		return orgsFlag
	}
}

func httpHint(path []string) string {
	if path[len(path)-1] != "domain" {
		return ""
	}
	return "; KINDE_AUTHZ_INSECURE_HTTP=true allows http:// for local stacks"
}

// place is where a setting is in the file.
type place struct {
	name       string
	key, value *yaml.Node // of one that is not set, those of what it should be in
}

// line is where the setting begins.
func (p place) line() int { return cmp.Or(p.key, p.value).Line }

// find returns the place at the end of a path.
func (s *Settings) find(path []string) place {
	at := place{value: s.file.root}
	for _, step := range path {
		if at.value.Kind == yaml.SequenceNode {
			at.key, at.value = nil, at.value.Content[s.index(step)]
			continue
		}
		at.name = step
		key, value := strictyaml.Entry(at.value, step)
		if value == nil {
			break
		}
		at.key, at.value = key, value
	}
	return at
}

// index is a place in a list of the file. Issuers are also known by their domain.
func (s *Settings) index(step string) int {
	if number, err := strconv.Atoi(step); err == nil {
		return number
	}
	return slices.IndexFunc(s.Verifier.Issuers, func(i kinde.Issuer) bool { return i.Domain == step })
}

var (
	methods    = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"}
	actorNames = []string{string(kinde.User), string(kinde.System)}
)

// hint says which word was probably meant, for settings that are words of a list.
func (s *Settings) hint(name, value string) string {
	switch name {
	case "actors":
		return suggest.Question(value, actorNames)
	case "methods":
		return suggest.Question(value, methods)
	case "policy":
		return s.policyHint(value)
	default:
		return ""
	}
}

func (s *Settings) policyHint(value string) string {
	known := slices.Sorted(maps.Keys(s.Authorizer.Policies))
	switch _, defined := s.Authorizer.Policies[value]; {
	case defined:
		return ""
	case value == "default":
		return ": define it under policies, or leave policy out"
	case len(known) == 0:
		return ": the file defines none"
	default:
		return ": " + suggest.Name(value, known)
	}
}

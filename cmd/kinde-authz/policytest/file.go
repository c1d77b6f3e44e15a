package policytest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
	"github.com/kinde-authz/kinde-authz/internal/strictyaml"
)

// file is a file of cases. docs/tests.schema.json is generated from the tags.
type file struct {
	Settings text         `yaml:"settings" jsonschema:"required" jsonschema_description:"The settings file that the cases are for, by its path from the folder of this file."`
	Tests    []caseInFile `yaml:"tests" jsonschema:"minItems=1" jsonschema_description:"The cases, in the order in which they run."`

	path    string
	content []byte
	root    *yaml.Node
}

// caseInFile is a request, its token, and what is wanted of the answer.
type caseInFile struct {
	Name    text            `yaml:"name" jsonschema:"required" jsonschema_description:"What the case shows, in a sentence."`
	Request requestSettings `yaml:"request" jsonschema:"required" jsonschema_description:"The request that Envoy asks about."`
	Token   *claims         `yaml:"token" jsonschema_description:"Claims of the access token; those left out are as in a good token, null takes one away. Left out or null: no token is sent."`
	At      offset          `yaml:"at" jsonschema_description:"When the request comes, from the token's iat, like +1h or -5m. Default: 0s."`
	Want    wantSettings    `yaml:"want" jsonschema:"required" jsonschema_description:"What the answer must be: at least one of these."`
}

type requestSettings struct {
	Method  text             `yaml:"method" jsonschema_description:"HTTP method. Default: GET, or POST with a body."`
	Path    text             `yaml:"path" jsonschema:"required" jsonschema_description:"Path with its query."`
	Headers map[string]words `yaml:"headers" jsonschema_description:"Headers by name. The token is sent in authorization, which cannot be among them."`
	Policy  text             `yaml:"policy" jsonschema_description:"Policy that Envoy's route names in context_extensions."`
	Body    *words           `yaml:"body" jsonschema_description:"Body, as Envoy sends it for a route with mcp."`
}

type wantSettings struct {
	Decision effect           `yaml:"decision" jsonschema_description:"allow or deny."`
	Reason   reason           `yaml:"reason" jsonschema_description:"The reason of the decision, as in the log."`
	Status   *status          `yaml:"status" jsonschema_description:"HTTP status of the answer; 200 for an allow."`
	Policy   text             `yaml:"policy" jsonschema_description:"The policy of the decision, as in the log."`
	Headers  map[string]words `yaml:"headers" jsonschema_description:"Headers that have exactly these values: to the upstream on allow, else of the answer."`
	Absent   []text           `yaml:"absent" jsonschema:"minItems=1" jsonschema_description:"Headers that are not among those."`
}

// read reads a file of cases. Errors name the file, the line and the column.
func read(ctx context.Context, path string) (*file, error) {
	content, err := settings.ReadFile(ctx, path)
	if err != nil {
		return nil, err
	}
	f := &file{path: path, content: content}
	if f.root, err = strictyaml.Decode(content, f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, strictyaml.Show(content, err))
	}
	return f, nil
}

// settings reads the settings that the cases are for. The environment and the files
// that they name are not looked at.
func (f *file) settings(ctx context.Context) (*settings.Settings, error) {
	path := string(f.Settings)
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(f.path), path)
	}
	content, err := settings.ReadFile(ctx, path)
	if err != nil {
		_, node := strictyaml.Entry(f.root, "settings")
		return nil, fmt.Errorf("%s: %w", f.path, strictyaml.Show(f.content, strictyaml.Refuse(node, "settings: %v", err)))
	}
	loaded, _, err := (&settings.Flags{Decision: settings.Decision{Config: path}}).ParseAlone(content)
	if err == nil {
		_, _, err = loaded.Build(nil)
	}
	return loaded, err
}

// node returns the part of the file that a case is.
func (f *file) node(number int) *yaml.Node {
	_, list := strictyaml.Entry(f.root, "tests")
	return list.Content[number]
}

func (f *file) check() error {
	if f.Settings == "" {
		top := f.root
		if top == nil {
			top = &yaml.Node{Line: 1, Column: 1}
		}
		return strictyaml.Refuse(top, "settings is required: name the settings file that the cases are for")
	}
	for number := range f.Tests {
		if err := f.Tests[number].check(f.node(number)); err != nil {
			return err
		}
	}
	return nil
}

// check refuses what is missing, and what could never be so.
func (c *caseInFile) check(node *yaml.Node) error {
	_, request := strictyaml.Entry(node, "request")
	_, want := strictyaml.Entry(node, "want")
	switch {
	case c.Name == "":
		return strictyaml.Refuse(node, "name is required: what the case shows, in a sentence")
	case strings.ContainsFunc(string(c.Name), func(r rune) bool { return !unicode.IsPrint(r) }):
		return strictyaml.Refuse(node, "name: want one line of printable characters")
	case request == nil:
		return strictyaml.Refuse(node, "request is required, like {method: GET, path: /api}")
	case c.Request.Path == "":
		return strictyaml.Refuse(request, "path is required in request, like /api")
	case want == nil:
		return strictyaml.Refuse(node, "want is required, like {reason: allowed}")
	}
	_, sent := strictyaml.Entry(request, "headers")
	_, wanted := strictyaml.Entry(want, "headers")
	_, absent := strictyaml.Entry(want, "absent")
	for _, err := range []error{
		checkNames(sent, errSentToken, nil), checkNames(wanted, errWantedToken, errAssertion),
		checkNames(absent, nil, errAssertion),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// Why a header cannot be named.
var (
	errSentToken   = errors.New("the token is sent in it: give its claims as token, or leave token out")
	errWantedToken = errors.New("its value is a token of this run alone: absent can say that the upstream does not get it")
	errAssertion   = errors.New("there is no assertion in a test: its key is not read")
)

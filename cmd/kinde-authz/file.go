package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFileBytes bounds a settings file.
const maxFileBytes = 4 << 20

// file is the YAML file of settings. Every one may be left out, except that an
// issuer has a domain; what is there must not be empty.
type file struct {
	Issuers      []issuerSettings `yaml:"issuers"`
	Leeway       duration         `yaml:"leeway"`
	JWKS         jwksSettings     `yaml:"jwks"`
	Headers      headerSettings   `yaml:"headers"`
	Listen       text             `yaml:"listen"`
	AdminListen  text             `yaml:"admin_listen"`
	InsecureHTTP bool             `yaml:"insecure_http"`
	DrainDelay   duration         `yaml:"drain_delay"`
	TLS          tlsSettings      `yaml:"tls"`
	Log          logSettings      `yaml:"log"`
}

// issuerSettings are one issuer and who may pass with its tokens.
type issuerSettings struct {
	Domain      text   `yaml:"domain"`
	Audience    []text `yaml:"audience"`
	AllowedOrgs []text `yaml:"allowed_orgs"`
	Actors      []text `yaml:"actors"`
	JWKSFile    text   `yaml:"jwks_file"`
}

type jwksSettings struct {
	Refresh  duration `yaml:"refresh"`
	MaxStale duration `yaml:"max_stale"`
	Timeout  duration `yaml:"timeout"`
}

type headerSettings struct {
	ForwardAuthorization *bool `yaml:"forward_authorization"`
}

type tlsSettings struct {
	Cert     text `yaml:"cert"`
	Key      text `yaml:"key"`
	ClientCA text `yaml:"client_ca"`
}

type logSettings struct {
	Level text `yaml:"level"`
}

// readFile reads and parses a settings file. Errors name it, the line and the
// column.
func readFile(path string) (*file, error) {
	content, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	if len(content) > maxFileBytes {
		return nil, fmt.Errorf("%s: more than %d MiB", path, maxFileBytes>>20)
	}
	f, err := parseFile(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

func parseFile(content []byte) (*file, error) {
	tree, err := parser.ParseBytes(content, 0)
	if err != nil {
		return nil, err
	}
	if len(tree.Docs) > 1 {
		return nil, errors.New("the file holds more than one YAML document: want one")
	}
	plain := &plainness{}
	for _, document := range tree.Docs {
		ast.Walk(plain, document)
	}
	if plain.err != nil {
		return nil, plain.err
	}
	var f file
	if err := yaml.UnmarshalWithOptions(content, &f, yaml.Strict()); err != nil {
		return nil, err
	}
	return &f, nil
}

// plainness looks for what reads as one thing and means another: an empty
// setting, which would switch a check off, and YAML's references and tags.
type plainness struct{ err error }

// Visit implements [ast.Visitor].
func (p *plainness) Visit(node ast.Node) ast.Visitor {
	if p.err != nil {
		return nil
	}
	switch n := node.(type) {
	case *ast.NullNode:
		p.err = refuse(n, "the setting is empty: give it a value or leave it out")
	case *ast.SequenceNode:
		if len(n.Values) == 0 {
			p.err = refuse(n, "the list is empty: name at least one, or leave the setting out")
		}
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		p.err = refuse(n, "anchors, aliases, merge keys and tags are not supported")
	}
	return p
}

// refuse is an error that shows where in the file it is.
func refuse(node ast.Node, format string, args ...any) error {
	return &yaml.SyntaxError{Message: fmt.Sprintf(format, args...), Token: node.GetToken()}
}

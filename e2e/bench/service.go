package main

import (
	"encoding/json"
	"fmt"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// Sizes of a cache: the default, and so few entries that a token which comes again after
// thousands of others is new.
const (
	usualCache = 100_000
	smallCache = 64
)

// service is a running ext_authz server.
type service struct {
	*process
	address string
}

// serve starts a program that listens there, and waits until it allows a good token.
func (b *bench) serve(address string, env []string, program string, args ...string) (*service, error) {
	p, err := b.start(env, program, args...)
	if err != nil {
		return nil, err
	}
	return &service{p, address}, p.until(func() error {
		answer, _, err := ask(address, checkRequest(b.tokens.good[0]))
		if err == nil && answer.GetStatus().GetCode() != 0 {
			err = fmt.Errorf("a good token is denied: %v", answer)
		}
		return err
	})
}

// startStock starts the stock server.
func (b *bench) startStock() (*service, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return b.serve(address, nil, b.stock, address)
}

// startAuthz starts kinde-authz for the tokens of the run, with room for so many of
// them, and with what more there is in the environment.
func (b *bench) startAuthz(entries int, env ...string) (*service, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	keys, err := b.file("jwks.json", b.tokens.JWKS())
	if err != nil {
		return nil, err
	}
	settings, err := json.Marshal(map[string]any{ // JSON is YAML
		"listen": address, "admin_listen": "127.0.0.1:0", "token_cache": map[string]any{"entries": entries},
		"issuers": []any{map[string]any{
			"domain": domain, "jwks_file": keys,
			"audience": []string{kindetest.Audience}, "allowed_orgs": []string{kindetest.Org, "org_globex"},
		}},
	})
	if err != nil {
		return nil, err
	}
	config, err := b.file("kinde-authz.yaml", string(settings))
	if err != nil {
		return nil, err
	}
	return b.serve(address, env, b.authz, "serve", "--config", config)
}

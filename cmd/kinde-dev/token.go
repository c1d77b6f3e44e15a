package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

type tokenCommand struct {
	Issuer      string            `default:"${issuer}" help:"URL of a running kinde-dev issuer."`
	Actor       string            `default:"user" enum:"user,system" help:"user, or system for a machine."`
	User        string            `placeholder:"ID" help:"The user's ID (sub)."`
	Org         string            `placeholder:"CODE" help:"The organization (org_code), or the word none."`
	Audience    []string          `placeholder:"API" help:"The audiences (aud)."`
	Permissions []string          `placeholder:"KEY" help:"A user's permissions."`
	Roles       []string          `placeholder:"KEY" help:"A user's roles."`
	Flag        map[string]string `placeholder:"KEY=VALUE" mapsep:"none" help:"A user's feature flag, like agent-v2=true; a whole number is an integer. Can be repeated."`
	Scopes      []string          `placeholder:"SCOPE" help:"The scopes."`
	Lifetime    time.Duration     `placeholder:"DURATION" help:"How long the token lives, in whole seconds, like 5m or 90s."`
	Broken      string            `placeholder:"KIND" help:"Break the token in one way, and leave all else as asked for; the kinds are listed below."`
	Decode      bool              `help:"Print the token's header and claims too, to standard error."`
}

// Help lists what the flags cannot say in a line.
func (tokenCommand) Help() string {
	return "What is left out is as in the sample token: a user of " + kindetest.Org + " for " + kindetest.Audience + ". --org none leaves the organization out, and none instead of a list empties it.\n\n" +
		"The broken kinds: " + strings.Join(kindetest.BrokenNames(), ", ") + "."
}

// Validate refuses a lifetime that the issuer would read as none.
func (c *tokenCommand) Validate() error {
	if c.Lifetime < 0 || c.Lifetime%time.Second != 0 {
		return fmt.Errorf("--lifetime %s: want whole seconds, at least 1s", c.Lifetime)
	}
	return nil
}

// Run prints the token alone, so that a shell can take it. What it holds goes to
// standard error.
func (c *tokenCommand) Run(stdout io.Writer, stderr errorStream) error {
	body, err := json.Marshal(kindetest.TokenRequest{
		Actor: c.Actor, User: c.User, Org: c.Org, Audience: list(c.Audience), Permissions: list(c.Permissions),
		Roles: list(c.Roles), Flags: c.Flag, Scopes: list(c.Scopes), Lifetime: int64(c.Lifetime.Seconds()), Broken: c.Broken,
	})
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 10 * time.Second}
	response, err := client.Post(strings.TrimRight(c.Issuer, "/")+"/dev/token", "application/json", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("--issuer: %w; is kinde-dev issuer or kinde-dev up running there?", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the issuer answered with status %d: %s", response.StatusCode, strings.TrimSpace(string(answer)))
	}
	if _, err = fmt.Fprintln(stdout, string(answer)); err != nil || !c.Decode {
		return err
	}
	return decode(stderr, string(answer))
}

// list is what a flag of a list asks for.
func list(items []string) []string {
	if slices.Equal(items, []string{"none"}) {
		return []string{}
	}
	return items
}

type healthCommand struct {
	URL string `arg:"" help:"The URL to request."`
}

// Run asks once.
func (c *healthCommand) Run() error {
	client := &http.Client{Timeout: 2 * time.Second}
	response, err := client.Get(c.URL)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered with status %d", c.URL, response.StatusCode)
	}
	return nil
}

package main

import (
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// identity is who is calling, as kinde-authz tells it behind Envoy. A list that was
// left out to save room is nil: not known.
type identity struct {
	Actor       string   `json:"actor"`
	User        string   `json:"user"`
	Client      string   `json:"client"`
	Org         string   `json:"org"`
	Scopes      []string `json:"scopes"`
	Permissions []string `json:"permissions"`
	Roles       []string `json:"roles"`
	Name        string   `json:"name"` // of headers.claims in the settings
}

// readIdentity reads the x-kinde- headers, whose values are percent-encoded.
func readIdentity(h http.Header) (*identity, error) {
	var faults error
	one := func(value string) string {
		text, err := url.PathUnescape(value) // unlike QueryUnescape it leaves + alone
		faults = errors.Join(faults, err)
		return text
	}
	omitted := strings.Split(h.Get("x-kinde-omitted"), ",")
	many := func(name, separator string) []string {
		list := []string{}
		if slices.Contains(omitted, name) {
			return nil
		}
		if value := h.Get(name); value != "" {
			for item := range strings.SplitSeq(value, separator) {
				list = append(list, one(item))
			}
		}
		return list
	}
	return &identity{
		Actor: one(h.Get("x-kinde-actor")), User: one(h.Get("x-kinde-user-id")),
		Client: one(h.Get("x-kinde-client-id")), Org: one(h.Get("x-kinde-org-code")),
		Scopes: many("x-kinde-scopes", " "), Permissions: many("x-kinde-permissions", ","),
		Roles: many("x-kinde-roles", ","), Name: one(h.Get("x-kinde-name")),
	}, faults
}

// claims are those of an assertion.
type claims struct {
	Subject     string   `json:"sub"`
	Actor       string   `json:"actor"`
	Client      string   `json:"client_id"`
	Org         string   `json:"org_code"`
	Scope       string   `json:"scope"`
	Permissions []string `json:"permissions"`
	Roles       []string `json:"roles"`
	Omitted     []string `json:"omitted"`
}

// agree reports whether the claims say the same as the headers. A list that one of the
// two leaves out is not known, and becomes nil.
func (c *claims) agree(told *identity) bool {
	many := func(name string, list []string) []string {
		switch {
		case slices.Contains(c.Omitted, name):
			return nil
		case list == nil:
			return []string{}
		default:
			return list
		}
	}
	signed := identity{
		Actor: c.Actor, Client: c.Client, Org: c.Org, Name: told.Name,
		Permissions: many("permissions", c.Permissions), Roles: many("roles", c.Roles),
	}
	if c.Actor == "user" {
		signed.User = c.Subject
	}
	scopes := strings.Fields(c.Scope)
	for i, scope := range scopes {
		scopes[i], _ = url.PathUnescape(scope) // another text than the header's is no match
	}
	signed.Scopes = many("scope", scopes)
	for _, list := range [...][2]*[]string{
		{&signed.Scopes, &told.Scopes}, {&signed.Permissions, &told.Permissions}, {&signed.Roles, &told.Roles},
	} {
		if *list[0] == nil || *list[1] == nil {
			*list[0], *list[1] = nil, nil
		}
	}
	return reflect.DeepEqual(&signed, told)
}

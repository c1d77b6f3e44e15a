package playground

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// defaultIssuer is where kinde-dev token asks when it is not told otherwise.
const defaultIssuer = "http://localhost:9100"

// curl is the request as a command of a shell.
func (in *request) curl(program, issuer, envoy string) string {
	words := []string{"curl -i"}
	switch {
	case in.Method == http.MethodHead:
		words = append(words, "--head")
	case in.Method == http.MethodPost && in.Body != "", in.Method == http.MethodGet && in.Body == "":
	default:
		words = append(words, "-X "+process.Quoted(in.Method))
	}
	if in.Token != nil {
		words = append(words, `-H "Authorization: Bearer $(`+tokenCommand(in.Token, program, issuer)+`)"`)
	}
	for _, h := range in.Headers {
		text := h.Name + ": " + h.Value
		if h.Value == "" {
			text = h.Name + ";" // how curl sends one without a value
		}
		words = append(words, "-H "+process.Quoted(text))
	}
	if in.Body != "" {
		words = append(words, "--data-raw "+process.Quoted(in.Body))
	}
	if strings.Contains(in.Path, "/.") {
		words = append(words, "--path-as-is")
	}
	if strings.ContainsAny(in.Path, "{}[]") {
		words = append(words, "--globoff")
	}
	return strings.Join(append(words, process.Quoted(envoy+in.Path)), " ")
}

// tokenCommand is the command that prints the token.
func tokenCommand(t *kindetest.TokenRequest, program, issuer string) string {
	command := program + " token"
	flag := func(name, value string) {
		if value != "" {
			command += " --" + name + " " + process.Quoted(value)
		}
	}
	list := func(name string, items []string) {
		if items != nil && len(items) == 0 {
			items = []string{"none"}
		}
		flag(name, strings.Join(items, ","))
	}
	if issuer != defaultIssuer {
		flag("issuer", issuer)
	}
	if t.Actor != "user" {
		flag("actor", t.Actor)
	}
	flag("user", t.User)
	flag("org", t.Org)
	list("audience", t.Audience)
	list("permissions", t.Permissions)
	list("roles", t.Roles)
	for _, key := range slices.Sorted(maps.Keys(t.Flags)) {
		flag("flag", key+"="+t.Flags[key])
	}
	list("scopes", t.Scopes)
	if t.Lifetime != 0 {
		flag("lifetime", (time.Duration(t.Lifetime) * time.Second).String())
	}
	flag("broken", t.Broken)
	return command
}

// seconds is a number of seconds as a Go duration.
func seconds(n int64) string { return strconv.FormatInt(n, 10) + "s" }

package stack

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// DefaultIssuer is where kinde-dev token asks when it is not told otherwise.
const DefaultIssuer = "http://localhost:9100"

// Request is one through the stack, as it is described before there is a token for it.
type Request struct {
	Token   *kindetest.TokenRequest `json:"token"` // nil sends none
	Method  string                  `json:"method"`
	Path    string                  `json:"path"`
	Headers []Header                `json:"headers"`
	Body    string                  `json:"body"`
}

// Header is a header of a request or an answer.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Curl is the request, to that URL, as a command of a shell, which has the program
// kinde-dev ask the issuer for the token.
func (in *Request) Curl(program, issuer, url string) string {
	words := []string{"curl -i"}
	switch {
	case in.Method == http.MethodHead:
		words = append(words, "--head")
	case in.Method == http.MethodPost && in.Body != "", in.Method == http.MethodGet && in.Body == "":
	default:
		words = append(words, "-X "+process.Quoted(in.Method))
	}
	if in.Token != nil {
		words = append(words, `-H "Authorization: Bearer $(`+TokenCommand(in.Token, program, issuer)+`)"`)
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
	return strings.Join(append(words, process.Quoted(url+in.Path)), " ")
}

// TokenCommand is the command of a shell that has the program kinde-dev print a token of
// the issuer.
func TokenCommand(t *kindetest.TokenRequest, program, issuer string) string {
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
	if issuer != DefaultIssuer {
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

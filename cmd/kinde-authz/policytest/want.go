package policytest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/kinde-authz/kinde-authz/authz"
)

// headers are those of a message, by their names in lower case.
type headers map[string]string

// upstream returns the headers that a request came with. What of them reaches the
// upstream is decided.
func (c *caseInFile) upstream(request *authz.Request) headers {
	all := make(headers, len(c.Request.Headers)+1)
	for name, value := range c.Request.Headers {
		all[strings.ToLower(name)] = string(value)
	}
	if len(request.Authorization) > 0 {
		all["authorization"] = request.Authorization[0]
	}
	return all
}

// outcome is the status of the answer and the headers that it is about: those that
// the upstream gets of an allowed request, which came with these, else those of the
// answer.
func outcome(d *authz.Decision, came headers) (status int, all headers) {
	if !d.Allowed() {
		all = make(headers)
		for _, h := range d.AppendAnswerHeaders(nil) {
			all[h.Name] = h.Value
		}
		return d.Status(), all
	}
	all = maps.Clone(came)
	set, remove := d.Headers()
	for _, h := range set {
		all[h.Name] = h.Value
	}
	for _, name := range remove {
		delete(all, name)
	}
	return http.StatusOK, all
}

// compare says what is not as it is wanted.
func (w *wantSettings) compare(d *authz.Decision, came headers) (failures []string) {
	status, all := outcome(d, came)
	differ := func(what, got, want string) {
		if want != "" && got != want {
			failures = append(failures, fmt.Sprintf("%s: got %s, want %s", what, got, want))
		}
	}
	differ("decision", d.Effect(), string(w.Decision))
	differ("reason", string(d.Reason), string(w.Reason))
	if w.Status != nil {
		differ("status", fmt.Sprint(status), fmt.Sprint(int(*w.Status)))
	}
	differ("policy", orNone(d.Policy()), string(w.Policy))
	for _, name := range slices.Sorted(maps.Keys(w.Headers)) {
		got, there := all[strings.ToLower(name)]
		switch want := string(w.Headers[name]); {
		case !there:
			failures = append(failures, fmt.Sprintf("header %s: it is not there, want %q", name, want))
		case got != want:
			failures = append(failures, fmt.Sprintf("header %s: got %q, want %q", name, got, want))
		}
	}
	for _, name := range w.Absent {
		if _, there := all[strings.ToLower(string(name))]; there {
			failures = append(failures, fmt.Sprintf("header %s: it is there, want it absent", name))
		}
	}
	return failures
}

func orNone(name string) string {
	if name == "" {
		return "none"
	}
	return name
}

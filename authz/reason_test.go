package authz

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kinde-authz/kinde-authz/kinde"
)

func TestEveryReasonHasAnAnswer(t *testing.T) {
	for reason, a := range answers {
		if a.status < 400 && reason != MetadataDocument || a.status == 0 ||
			a.description == "" && reason != MetadataDocument || a.hint == "" {
			t.Errorf("%s: incomplete answer %+v", reason, a)
		}
	}
}

func TestEveryReasonIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/reasons.md")
	if err != nil {
		t.Fatal(err)
	}
	for reason, a := range answers {
		row := fmt.Sprintf("\n| `%s` | %d | ", reason, a.status)
		if n := strings.Count(string(page), row); n != 1 {
			t.Errorf("docs/reasons.md has %d rows that begin %q, want 1", n, strings.TrimSpace(row))
		}
	}
	if rows := strings.Count(string(page), "\n| `"); rows != len(answers)+2 {
		t.Errorf("docs/reasons.md has %d rows, want one for each of %d denials, %s and %s",
			rows, len(answers), Allowed, Public)
	}
}

func TestEveryReasonIsInOneStep(t *testing.T) {
	for reason := range answers {
		n := 0
		for _, s := range steps {
			for _, r := range s.reasons {
				if r == reason {
					n++
				}
			}
		}
		want := 1
		switch reason {
		case BadRequest:
			want = 2 // each with a detail of its own
		case ActorNotAllowed, OrgMissing, OrgNotAllowed, OrgMismatch, InsufficientScope, MissingPermission, MissingRole,
			FeatureDisabled:
			want = 2 // of the route's policy and of the tool's
		case InternalError:
			want = 0
		}
		if n != want {
			t.Errorf("%s is in %d steps, want %d", reason, n, want)
		}
	}
}

// Attack U9: nothing but a decision that was made is an allow.
func TestZeroDecisionIsADenial(t *testing.T) {
	some := block{encoded: "x"}
	for name, d := range map[string]Decision{
		"zero":                           {},
		"a reason alone":                 {Reason: Allowed},
		"a mark alone":                   {allowed: true},
		"mark and reason":                {allowed: true, Reason: Allowed},
		"headers of a reason unheard of": {allowed: true, Reason: "new_reason", headers: some},
		"headers of a denial":            {allowed: true, Reason: OrgMissing, headers: some},
		"no mark":                        {Reason: Allowed, headers: some},
		"no headers":                     allow(&policy{}, &identity{}, nil),
		"a token that was refused":       allow(&policy{}, &identity{headers: some, refused: errNoRules}, nil),
	} {
		t.Run(name, func(t *testing.T) {
			if d.Allowed() || d.Effect() != "deny" {
				t.Errorf("allowed: %t, %s", d.Allowed(), d.Effect())
			}
			want, reason := http.StatusInternalServerError, InternalError
			if name == "headers of a denial" {
				want, reason = http.StatusForbidden, OrgMissing
			}
			if got := d.Status(); got != want {
				t.Errorf("status %d, want %d", got, want)
			}
			if body := string(d.AppendBody(nil)); !strings.Contains(body, `"reason":"`+string(reason)+`"`) {
				t.Errorf("body %s, want %s", body, reason)
			}
			if len(d.AppendAnswerHeaders(nil)) == 0 || d.Hint() == "" {
				t.Errorf("headers %v, hint %q", d.AppendAnswerHeaders(nil), d.Hint())
			}
		})
	}
}

// A denial that an adapter makes has one of the reasons of a denial.
func TestDenialsOfAdapters(t *testing.T) {
	for reason, want := range map[Reason]Reason{
		kinde.Overloaded: kinde.Overloaded, BadPath: BadPath, InternalError: InternalError, Allowed: InternalError,
		Public: InternalError, "": InternalError, "x": InternalError,
	} {
		d := Denial(reason, "why")
		if d.Reason != want || d.Allowed() || d.Detail != "why" || d.ID == (ID{}) || d.Status() != answers[want].status {
			t.Errorf("%q: got %+v, want %s", reason, d, want)
		}
	}
}

// The headers and the body of every denial, with and without what a policy and a
// resource add, are those that are put together here in the plainest way.
func TestAnswersOfDenials(t *testing.T) {
	protected, err := (&Resource{Identifier: "https://api.example.com/mcp"}).compile()
	if err != nil {
		t.Fatal(err)
	}
	for reason, a := range answers {
		for _, policy := range []*policy{nil, {}, {scope: "agents:run agents:read"}} {
			for n, resource := range []*resource{nil, protected, protected} {
				d := Denial(reason, "a detail")
				d.policy, d.resource, d.origin = policy, resource, n == 2
				want := []Header{{"content-type", "application/json"}}
				if challenge := plainChallenge(&d, a); challenge != "" {
					want = append(want, Header{"www-authenticate", challenge})
				}
				if a.status == 503 {
					want = append(want, Header{"retry-after", "5"})
				}
				if d.origin || reason == MetadataDocument {
					want = append(want, Header{"access-control-allow-origin", "*"})
				}
				if d.origin && reason != MetadataDocument {
					want = append(want, Header{"access-control-expose-headers", "WWW-Authenticate"})
				}
				if diff := cmp.Diff(want, d.AppendAnswerHeaders(nil)); diff != "" {
					t.Errorf("%s: (-want +got)\n%s", reason, diff)
				}
				if got, want := string(d.AppendBody(nil)), plainBody(&d, a); got != want {
					t.Errorf("%s: body\n%s, want\n%s", reason, got, want)
				}
				if before := "before"; string(d.AppendBody([]byte(before))) != before+string(d.AppendBody(nil)) {
					t.Errorf("%s: the body is not appended", reason)
				}
			}
		}
	}
}

func plainChallenge(d *Decision, a *answer) string {
	if a.status != 401 && a.error != "insufficient_scope" {
		return ""
	}
	parts := []string{`realm="kinde"`}
	if a.error != "" {
		parts = append(parts, `error="`+a.error+`"`, `error_description="`+a.description+`"`)
	}
	if d.policy != nil && d.policy.scope != "" {
		parts = append(parts, `scope="`+d.policy.scope+`"`)
	}
	if d.resource != nil {
		parts = append(parts, `resource_metadata="`+d.resource.metadata+`"`)
	}
	return "Bearer " + strings.Join(parts, ", ")
}

func plainBody(d *Decision, a *answer) string {
	if d.Reason == MetadataDocument && d.resource != nil {
		return d.resource.document
	}
	text, err := json.Marshal(struct {
		Error       string `json:"error,omitempty"`
		Description string `json:"error_description"`
		Reason      Reason `json:"reason"`
		DecisionID  string `json:"decision_id"`
	}{a.error, a.description, d.Reason, d.ID.String()})
	if err != nil {
		panic(err)
	}
	return string(text)
}

package suggest

import "testing"

func TestDistance(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"abc", "abc", 0},
		{"ABC", "abc", 0},
		{"abc", "abd", 1},
		{"abc", "ab", 1},
		{"abc", "xabc", 1},
		{"domain", "domian", 2}, {"kitten", "sitting", 3}, {"audience", "audiance", 1},
	} {
		if got := Distance(row.a, row.b); got != row.want {
			t.Errorf("%q, %q: got %d, want %d", row.a, row.b, got, row.want)
		}
		if got := Distance(row.b, row.a); got != row.want {
			t.Errorf("%q, %q: got %d, want %d", row.b, row.a, got, row.want)
		}
	}
}

func TestSuggestions(t *testing.T) {
	known := []string{"audience", "allowed_orgs", "actors"}
	for name, want := range map[string]string{
		"audiance": `did you mean "audience"?`, "Audience": `did you mean "audience"?`,
		"allowed_org": `did you mean "allowed_orgs"?`, "actor": `did you mean "actors"?`,
		"nothing": "want one of audience, allowed_orgs, actors", "": "want one of audience, allowed_orgs, actors",
	} {
		if got := Name(name, known); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
}

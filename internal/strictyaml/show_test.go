package strictyaml

import (
	"strings"
	"testing"
)

// A line is shown from its beginning while the fault is in what is shown.
func TestShow(t *testing.T) {
	long := strings.Repeat("a", 70) + ": 5"
	for name, row := range map[string]struct {
		column int
		shown  string
		caret  int // its place in the last line
	}{
		"at the beginning":  {1, "\n>    2 | " + long + "\n", 9},
		"past the middle":   {73, "\n>    2 | " + long + "\n", 81},
		"past what is seen": {141, "\n>    2 | \n", 69},
	} {
		err := Show([]byte("first\n"+long+"\n"), &fault{line: 2, column: row.column, message: "x"})
		text := err.Error()
		if !strings.Contains(text, row.shown) {
			t.Errorf("%s: %q lacks %q", name, text, row.shown)
		}
		if last := text[strings.LastIndex(text, "\n")+1:]; strings.Index(last, "^") != row.caret {
			t.Errorf("%s: the caret is at %d, want %d:\n%s", name, strings.Index(last, "^"), row.caret, text)
		}
	}
}

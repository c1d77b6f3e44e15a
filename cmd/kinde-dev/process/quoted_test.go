package process

import (
	"os/exec"
	"testing"
)

// The program may stand in a folder of any name, and its name is read within
// "$(…)".
func TestQuotedIsTheTextForAShell(t *testing.T) {
	for _, text := range []string{
		"bin/kinde-dev", "/a b/kinde-dev", "/it's/$HOME/`x`", `/a"b\c`, "/é*?[x]~#&;|", "~", "a=b", "", "a:b,c",
	} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", `printf %s "$(printf %s `+Quoted(text)+`)"`).Output()
		if err != nil || string(out) != text {
			t.Errorf("%q: the shell takes %s for %q, %v", text, Quoted(text), out, err)
		}
	}
	if got := Quoted("bin/kinde-dev"); got != "bin/kinde-dev" {
		t.Errorf("needless quotes: %s", got)
	}
}

package main

import (
	"bytes"
	"os"
	"testing"
)

func TestColouring(t *testing.T) {
	const green, red, yellow, bold, off = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[0m"
	for text, want := range map[string]string{
		"allow     allowed\n":                     green + "allow" + off + "     allowed\n",
		"deny      token_expired, status 401\n":   red + "deny" + off + "      token_expired, status 401\n",
		"   route  ok\n=> token  missing_token\n": "   route  ok\n" + bold + "=> token  missing_token" + off + "\n",
		"ok       keys: 2\n":                      green + "ok" + off + "       keys: 2\n",
		"failed   clock: behind\n         -> NTP": red + "failed" + off + "   clock: behind\n         -> NTP",
		"warning  envoy: x\n":                     yellow + "warning" + off + "  envoy: x\n",
		"a.yaml:3:5: warning: x\n":                "a.yaml:3:5: " + yellow + "warning" + off + ": x\n",
		"valid: 1 issuer\n":                       green + "valid" + off + ": 1 issuer\n",
		"  \"decision\": \"deny\",\n":             "  \"decision\": \"deny\",\n",
		"sets      x-kinde-roles: allow\n":        "sets      x-kinde-roles: allow\n",
	} {
		var out bytes.Buffer
		if n, err := (colouring{&out}).Write([]byte(text)); n != len(text) || err != nil || out.String() != want {
			t.Errorf("%q: got %q, %d, %v", text, out.String(), n, err)
		}
	}
}

// A pipe and a file get no colours; NO_COLOR and a dumb terminal want none.
func TestOutputColoursATerminalAlone(t *testing.T) {
	terminal, err := os.OpenFile("/dev/null", os.O_WRONLY, 0) // a character device too
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, test := range []struct {
		file          *os.File
		noColor, term string
		want          bool
	}{
		{terminal, "", "xterm", true},
		{terminal, "1", "xterm", false},
		{terminal, "", "dumb", false},
		{file, "", "xterm", false},
	} {
		t.Setenv("NO_COLOR", test.noColor)
		t.Setenv("TERM", test.term)
		if _, coloured := output(test.file).(colouring); coloured != test.want {
			t.Errorf("%+v", test)
		}
	}
}

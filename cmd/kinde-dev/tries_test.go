package main

import (
	"os/exec"
	"testing"
)

func TestTryLine(t *testing.T) {
	for name, test := range map[string]struct {
		try                  try
		program, issuer, url string
		want                 string
	}{
		"default issuer": {
			try{}, "bin/kinde-dev", "http://localhost:9100", "http://localhost:8080",
			`curl -i -H "Authorization: Bearer $(bin/kinde-dev token)" http://localhost:8080/api/agents/weather`,
		},
		"another issuer": {
			try{token: "--broken expired"}, "bin/kinde-dev", "http://localhost:9101", "http://localhost:8080",
			`curl -i -H "Authorization: Bearer $(bin/kinde-dev token --issuer http://localhost:9101 --broken expired)"` +
				` http://localhost:8080/api/agents/weather`,
		},
		"no token": {
			try{none: true, header: "a: b"}, "bin/kinde-dev", "http://localhost:9101", "http://localhost:8081",
			`curl -i -H "a: b" http://localhost:8081/api/agents/weather`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.try.line(test.program, test.issuer, test.url); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// The program may stand in a folder of any name, and its name is read within
// "$(…)".
func TestQuotedIsTheTextForAShell(t *testing.T) {
	for _, text := range []string{
		"bin/kinde-dev", "/a b/kinde-dev", "/it's/$HOME/`x`", `/a"b\c`, "/é*?[x]~#&;|", "~", "a=b",
	} {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", `printf %s "$(printf %s `+quoted(text)+`)"`).Output()
		if err != nil || string(out) != text {
			t.Errorf("%q: the shell takes %s for %q, %v", text, quoted(text), out, err)
		}
	}
	if got := quoted("bin/kinde-dev"); got != "bin/kinde-dev" {
		t.Errorf("needless quotes: %s", got)
	}
}

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRowsBreakWhereATerminalDoes(t *testing.T) {
	long := strings.Repeat("é", columns)
	for _, test := range []struct {
		line string
		want [][]run
	}{
		{"", [][]run{nil}},
		{long, [][]run{{{"", long}}}},
		{long + "x", [][]run{{{"", long}}, {{"", "x"}}}},
		{"\x1b[32mok\x1b[0m  fine", [][]run{{{"green", "ok"}, {"", "  fine"}}}},
		{"\x1b[1m" + long + "x", [][]run{{{"bold", long}}, {{"bold", "x"}}}},
		{"a\tb\x1b]", [][]run{{{"", "a\ufffdb\ufffd]"}}}},
		{"\x1b[38;5;7mgrey\x1b[m", [][]run{{{"", "grey"}}}},
	} {
		if diff := cmp.Diff(test.want, rows(test.line), cmp.AllowUnexported(run{})); diff != "" {
			t.Errorf("%q: %s", test.line, diff)
		}
	}
}

// printed is what kinde-dev up prints of its places.
const printed = `
curl -i -H "Authorization: Bearer $(/tmp/b/kinde-dev token --issuer http://localhost:40003)" http://localhost:40001/x
curl -i http://127.0.0.1:40004/api/x

Playground:   http://localhost:40007  (in a browser)
Envoy:        http://localhost:40001, admin http://127.0.0.1:40002, access log in /tmp/d/envoy.log
kinde-authz:  127.0.0.1:40005, admin http://127.0.0.1:40006, decisions in /tmp/d/kinde-authz.log
`

func TestWhatChangesIsReplaced(t *testing.T) {
	at, err := locate("/tmp/b", "/tmp/d", printed)
	if err != nil {
		t.Fatal(err)
	}
	const want = `
curl -i -H "Authorization: Bearer $(bin/kinde-dev token)" http://localhost:8080/x
curl -i http://127.0.0.1:8000/api/x

Playground:   http://localhost:9193  (in a browser)
Envoy:        http://localhost:8080, admin http://127.0.0.1:9901, access log in .tools/up/8080/envoy.log
kinde-authz:  127.0.0.1:9191, admin http://127.0.0.1:9192, decisions in .tools/up/8080/kinde-authz.log
`
	if diff := cmp.Diff(want, at.steady(printed)); diff != "" {
		t.Error(diff)
	}
	const answer = `{"decision_id":"4865b83e","x-kinde-token-id":["A"],"x-kinde-token-expires":["1"]}`
	const steady = `{"decision_id":"…","x-kinde-token-id":["…"],"x-kinde-token-expires":["…"]}`
	if got := at.steady(answer + "\r\n"); got != steady+"\n" {
		t.Errorf("got %s", got)
	}
	got := at.real("bin/kinde-dev token | bin/kinde-authz x --config .tools/up/8080/a --envoy-admin http://localhost:9901")
	const real = "/tmp/b/kinde-dev token --issuer http://localhost:40003 | /tmp/b/kinde-authz x --config /tmp/d/a " +
		"--envoy-admin http://localhost:40002"
	if got != real || at.authz != "localhost:40005" {
		t.Errorf("got %s, %s", got, at.authz)
	}
}

func TestAPortThatIsNotPrintedIsAnError(t *testing.T) {
	_, err := locate("bin", "/tmp/d", strings.ReplaceAll(printed, "Playground", "Page"))
	if err == nil || !strings.Contains(err.Error(), "usually 9193") {
		t.Errorf("got %v", err)
	}
}

func TestOtherLinesAreLeftOut(t *testing.T) {
	c := command{keep: regexp.MustCompile(`^(ok|$)`)}
	got := c.choose("a\n\nb\n\x1b[32mok\x1b[0m 1\n\nok 2\nc\nd\n\n")
	if diff := cmp.Diff([]string{"…", "\x1b[32mok\x1b[0m 1", "", "ok 2", "…"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCommandsFitInTheirRows(t *testing.T) {
	for _, c := range append(session, up) {
		for line := range strings.SplitSeq(c.line, "\n") {
			if len(prompt.text)+len(line) > columns {
				t.Errorf("%q is too long: break it with a backslash", line)
			}
		}
	}
}

// Without animation the last rows are seen, and no cover is.
func TestThePictureIsTheEndOfTheFilm(t *testing.T) {
	many := strings.Split(strings.Repeat("x\n", height), "\n")
	picture := render(`a "title"`, film([]shown{{"echo <&>", []string{`<b>"&amp;"</b>`}}, {"seq \\\n  3", many}}))
	for _, want := range []string{
		`aria-label="a &#34;title&#34;"`, ">&lt;b&gt;&#34;&amp;amp;&#34;&lt;/b&gt;<", "echo &lt;&amp;&gt;",
		`<tspan class="green">&gt; </tspan>  3<`, "prefers-reduced-motion", ".cover { opacity: 0;",
		`<g class="rows" transform="translate(0 -162)">`, "{ transform: translateY(-162px); }\n}",
	} {
		if !strings.Contains(picture, want) {
			t.Errorf("no %s", want)
		}
	}
	for decoder := xml.NewDecoder(strings.NewReader(picture)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestNothingComesBeforeWhatWasTyped(t *testing.T) {
	frames := film([]shown{{"abcd", []string{"1", "2"}}})
	at := thinks
	for n, want := range []time.Duration{at, at + 4*typing + thinks, at + 4*typing + thinks + prints} {
		if frames[n].at != want || frames[n].typed != (n == 0) {
			t.Errorf("row %d: %+v, want it at %s", n, frames[n], want)
		}
	}
}

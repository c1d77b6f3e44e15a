package settings

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSyntaxErrors(t *testing.T) {
	const inQuotes = "put a value that holds any of {}[],:#*&!@ in quotes"
	for _, row := range []struct{ content, want string }{
		{"routes:\n\tpath: /a\n", "[2:1] line 2 is indented with a tab: use spaces"},
		{"\tlisten: :1\n", "[1:1] line 1 is indented with a tab: use spaces"},
		{"routes:\n  - path: /a\n\tpublic: true\n", "[3:1] line 3 is indented with a tab: use spaces"},
		{"routes:\n  -\tpath: /a\n\t\tpublic: true\n", "[2:4] line 2 is indented with a tab: use spaces"},
		{"listen: @x\n", "[1:9] a value cannot start with '@': put it in quotes"},
		{"listen: `x\n", "[1:9] a value cannot start with '`': put it in quotes"},
		{"é: %x\n", "[1:4] a value cannot start with '%': put it in quotes"},
		{"routes: [{path: /a, methods: [*]}]\n", "[1:32] a value cannot start with '*': put it in quotes"},
		{"routes: [{path: /a, policy: *a}]\n", `[1:29] a value cannot start with "*": put it in quotes`},
		{"listen: a: b\n", `[1:10] unexpected ":": check the indentation, and ` + inQuotes},
		{"leeway: 1s\n  listen: b\n", `[2:9] unexpected ":": check the indentation, and ` + inQuotes},
		{
			"routes: [{path: /a}\nleeway: 1s\n",
			`[2:1] want "," or "]" here, for the list that starts on line 1: close it, and ` + inQuotes,
		},
		{
			"routes:\n - {path: /orgs/{org_code}/**, policy: a}\n",
			`[2:17] want "," or "}" here, for the mapping that starts on line 2: close it, and ` + inQuotes,
		},
		{"a: 1\nlisten: \"x\nb: 1\n", "[4:1] the quote that opens on line 2 is not closed"},
		{"leeway: 1s\nlisten\n", "[3:1] line 2 has a name without a colon: want name: value"},
		{
			"jwks:\n  refresh: 1m\n timeout: 1s\n",
			"[3:2] unexpected text: indent what belongs together by the same number of spaces, and " + inQuotes,
		},
		{
			"- a\nb: 1\n",
			"[2:1] unexpected text: indent what belongs together by the same number of spaces, and " + inQuotes,
		},
		{"issuers: [\n", `[2:1] a value or a closing bracket is missing: close each "[" and "{", and ` + inQuotes},
		{"routes: - path: /a\n", `[1:9] a list item cannot start here: put each "- " on a line of its own`},
		{"listen: \"\\q\"\n", `[1:10] unknown escape in double quotes: write \\ for a backslash, or use single quotes`},
		{"listen: |x\n", "[1:10] not valid YAML: did not find expected comment or line break"},
		{"leeway: 1s\nlisten: \xff\n", "[2:9] the file is not UTF-8 text: save it as UTF-8"},
		{"\xff\xfea\x00", "[1:1] the file is not UTF-8 text: save it as UTF-8"},
		{"listen: \"\x1b[31m\"\n", "[1:10] control character U+001B: remove it"},
		{"listen: a\x00\n", "[1:10] control character U+0000: remove it"},
		{"leeway: &x 1\n", "[1:9] leeway: anchors, aliases and tags are not supported"},
		{"leeway: 1s\n---\nleeway: 2s\n", "the file has more than one YAML document: want one"},
		{"policies: {p: {}, p: {}}", "[1:19] p is set twice (first on line 1)"},
		{"leeway: 1s\nlisten: :1\nleeway: 2s\n", "[3:1] leeway is set twice (first on line 1)"},
		{"issuer: [{domain: https://a.kinde.com}]\n", `[1:1] issuer: unknown setting: did you mean "issuers"?`},
		{"issuers: [{domian: https://a.kinde.com}]\n", `[1:12] domian: unknown setting: did you mean "domain"?`},
		{"policies: {p: {permission: [a]}}\n", `[1:16] permission: unknown setting: did you mean "permissions"?`},
		{"routes: [{path: /a, method: [GET]}]\n", `[1:21] method: unknown setting: did you mean "methods"?`},
		{"Listen: :1\n", `[1:1] Listen: unknown setting: did you mean "listen"?`},
		{
			"tls: {certificate_of_the_port: a}\n",
			"[1:7] certificate_of_the_port: unknown setting: want one of cert, key, client_ca, client_names",
		},
	} {
		content, want := row.content, row.want
		_, err := parseFile([]byte(content))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q\n got %v\nwant %s", content, err, want)
			continue
		}
		if text := err.Error(); !utf8.ValidString(text) || strings.ContainsAny(text, "\x1b\x00") {
			t.Errorf("%q: %q", content, text)
		}
	}
}

// Odd files are refused in time that grows with their size alone, by messages that
// fit on a screen.
func TestOddFilesAreRefusedShortly(t *testing.T) {
	many := func(head, item string, n int) string {
		var out strings.Builder
		out.WriteString(head)
		for i := range n {
			fmt.Fprintf(&out, item, i)
		}
		return out.String()
	}
	for _, row := range []struct{ content, want string }{
		{`listen: "` + strings.Repeat("a", 300_000) + "\n", "[2:1] the quote that opens on line 1 is not closed"},
		{"listen: [" + strings.Repeat("a", 300_000) + "]\n", "[1:9] listen: want a string"},
		{strings.Repeat("[", 100_000), "[1:10001] not valid YAML: exceeded max depth of 10000"},
		{strings.Repeat("a: ", 50_000), `[1:5] unexpected ":"`},
		{many("routes:\n", "  - {path: /r%d}\n", 10_001), "[2:3] routes: the list has 10001 items: want at most 10000"},
		{
			many("policies:\n", "  p%d: {roles: [a]}\n", 10_001),
			"[2:3] policies: the mapping has 10001 entries: want at most 10000",
		},
		{"leeway: 1s\nlisten: a" + strings.Repeat(" ", 400) + "b: c\n", `[2:411] unexpected ":"`},
	} {
		content, want := row.content, row.want
		_, err := parseFile([]byte(content))
		if err == nil || !strings.HasPrefix(err.Error(), want) || len(err.Error()) > 800 {
			t.Errorf("%.40q\n got %.900v\nwant %s", content, err, want)
		}
	}
}

func TestSettingsThatMightHaveBeenMeant(t *testing.T) {
	for _, row := range []struct{ content, want string }{
		{
			"policies: {run-agents: {}}\nroutes: [{path: /a, policy: run-agent}]",
			`[2:29] policy: no policy is named "run-agent": did you mean "run-agents"?`,
		},
		{
			"policies: {Admin: {}}\nroutes: [{path: /a, policy: admin}]",
			`[2:29] policy: no policy is named "admin": did you mean "Admin"?`,
		},
		{
			"policies: {a-policy: {}, b: {}}\nroutes: [{path: /a, policy: nobody}]",
			`[2:29] policy: no policy is named "nobody": want one of a-policy, b`,
		},
		{"routes: [{path: /a, policy: admin}]", `[1:29] policy: no policy is named "admin": the file defines none`},
		{
			"routes: [{path: /a, policy: default}]",
			`[1:29] policy: no policy is named "default": define it under policies, or leave policy out`,
		},
		{
			"routes: [{path: /a, methods: [get]}]",
			`[1:31] methods: "get": want a method in upper case, like GET: did you mean "GET"?`,
		},
		{"policies: {p: {actors: [users]}}", `[1:25] actors: "users": want user or system: did you mean "user"?`},
		{"policies: {p: {actors: [robot]}}", `[1:25] actors: "robot": want user or system` + "\n"},
		{"log: {level: wran}", `[1:14] level: "wran": want debug, info, warn or error: did you mean "warn"?`},
		{"log: {level: loud}", `[1:14] level: "loud": want debug, info, warn or error` + "\n"},
	} {
		content, want := row.content, row.want
		err := load(content)
		if err == nil || !strings.HasPrefix(err.Error(), "f.yaml: "+want) {
			t.Errorf("%s\n got %v\nwant %s", content, err, want)
		}
	}
}

package strictjson

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func nest(open, inside, closing string, n int) string {
	return strings.Repeat(open, n) + inside + strings.Repeat(closing, n)
}

func TestParseObject(t *testing.T) {
	for text, valid := range map[string]bool{
		`{}`: true, ` { } `: true, `{"a":1}`: true, "\t{\r\n\"a\" : 1 , \"b\" : [ 1 , 2 ] }": true,
		`{"a":{"b":{"c":[[],{},"x",null,true,false,-0,0.5,1e5,1E+5,2e-5,10]}}}`: true,
		`{"a":"\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00"}`:                            true,
		`{"a":"\ud800"}`:      true, // a value that nobody may read
		`{"a":{"b":1,"b":2}}`: true, `{"a":1,"A":2}`: true, `{"":1}`: true,
		`{"a":` + nest("[", "", "]", maxDepth-1) + `}`: true,

		``: false, ` `: false, `{`: false, `}`: false, `[]`: false, `"a"`: false, `1`: false, `null`: false,
		`{"a"}`: false, `{"a":}`: false, `{"a":1,}`: false, `{,"a":1}`: false, `{"a":1 "b":2}`: false, `{a:1}`: false,
		`{"a":1}}`: false,
		`{"a":1}x`: false, `{"a":1}{}`: false, `{"a":[1,]}`: false, `{"a":[,1]}`: false, `{"a":[1 2]}`: false,
		`{"a":[1}`: false, `{"a":{]}`: false,
		`{"a":01}`: false, `{"a":+1}`: false, `{"a":.5}`: false, `{"a":1.}`: false, `{"a":1e}`: false, `{"a":1e+}`: false,
		`{"a":-}`: false, `{"a":0x1}`: false,
		`{"a":NaN}`: false, `{"a":Infinity}`: false, `{"a":tru}`: false, `{"a":True}`: false, `{"a":nul}`: false,
		`{"a":'x'}`: false, `{"a":1/**/}`: false,
		`{"a":"`: false, `{"a":"\`: false, `{"a":"\x"}`: false, `{"a":"\u12"}`: false, `{"a":"\u12g4"}`: false,
		"{\"a\":\"\n\"}": false, "{\"a\":\"\x00\"}": false,
		`{"a":1,"a":2}`: false, `{"a":1,"\u0061":2}`: false, `{"\ud800":1}`: false, "\ufeff{}": false, `{"a":{"b" 1}}`: false,
		`{"a":{b:1}}`: false, `{"a":{"b":1,}}`: false,
		`{"a":` + nest("[", "", "]", maxDepth) + `}`: false, `{"a":` + nest(`{"b":`, "1", "}", maxDepth) + `}`: false,
		"\v{}": false, "{}\u00a0": false,
	} {
		members, err := Parse(text, nil)
		if (err == nil) != valid {
			t.Errorf("%.60q: got %v, want valid %t", text, err, valid)
		}
		if valid && !json.Valid([]byte(text)) {
			t.Errorf("%.60q: encoding/json refuses it", text)
		}
		for _, m := range members {
			if err == nil && !json.Valid([]byte(m.Value)) {
				t.Errorf("%.60q: the value of %q is %q", text, m.Name, m.Value)
			}
		}
	}
}

func TestRepeatedNamesAreFoundAmongMany(t *testing.T) {
	for _, n := range []int{2, 47, 48, 49, 500} {
		var text strings.Builder
		for i := range n {
			fmt.Fprintf(&text, `"m%d":1,`, i)
		}
		if _, err := Parse(`{`+text.String()+`"last":1}`, nil); err != nil {
			t.Errorf("%d members: %v", n, err)
		}
		if _, err := Parse(`{`+text.String()+`"m0":1}`, nil); err == nil {
			t.Errorf("%d members: the repeated one is not found", n)
		}
	}
}

func TestValueReadsStrings(t *testing.T) {
	for text, want := range map[string]string{
		`"a"`: "a", `""`: "", `"\"\\\/\b\f\n\r\t"`: "\"\\/\b\f\n\r\t", `"\u00e9"`: "é", `"\u00E9x"`: "éx",
		`"\ud83d\ude00!"`: "😀!", `"\uFFFD"`: "\ufffd", `"a\u0000b"`: "a\x00b",
	} {
		if got, ok := Value(text).Text(); !ok || got != want {
			t.Errorf("%s: got %q, %t, want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{
		``, `"`, `1`, `null`, `["a"]`, `{}`, `"\ud800"`, `"\ud800x"`, `"\ud800\n"`, `"\udc00"`,
		`"\ud800\ud800"`, `"\ude00\ud83d"`, `"\ud83d\u0041"`,
	} {
		if got, ok := Value(text).Text(); ok {
			t.Errorf("%s: got %q, want no string", text, got)
		}
	}
}

func TestValueReadsNumbers(t *testing.T) {
	for text, want := range map[string]float64{
		"0": 0, "-0": 0, "1693371599": 1693371599, "1.5": 1.5, "1e3": 1000, "253402300799": 253402300799,
	} {
		if got, ok := Value(text).Number(); !ok || got != want {
			t.Errorf("%s: got %v, %t", text, got, ok)
		}
	}
	for _, text := range []string{``, `"1"`, `null`, `true`, `[1]`, `1e999`, `-1e999`} {
		if got, ok := Value(text).Number(); ok {
			t.Errorf("%s: got %v, want no number", text, got)
		}
	}
}

// A byte that counts is found wherever it stands among those that are read together.
func TestSpecialBytesAreFoundAnywhere(t *testing.T) {
	for length := range 40 {
		for at := range length {
			for c := range 256 {
				text := []byte(strings.Repeat("\x7f", length))
				text[at] = byte(c)
				s := scanner{text: `"` + string(text) + `"`}
				want := json.Valid([]byte(s.text))
				if c == '"' { // it ends there
					want = true
				}
				if got := s.str(); got != want {
					t.Fatalf("%q: got %t, want %t", s.text, got, want)
				}
				if want && c != '"' && s.at != len(s.text) || c == '"' && s.at != at+2 {
					t.Fatalf("%q: stopped at %d", s.text, s.at)
				}
			}
		}
	}
}

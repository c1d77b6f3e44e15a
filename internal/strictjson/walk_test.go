package strictjson

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
)

func TestWalkLooksIntoEverything(t *testing.T) {
	for text, valid := range map[string]bool{
		`{}`: true, ` {"a" : [ { } , [ ] , 1 ] , "b":{"a":{"a":1}}} `: true, `{"a":[{"b":1},{"b":1}]}`: true,
		`{"a":` + nest("[", "", "]", 127) + `}`: true, nest(`{"b":`, "1", "}", 128): true,

		`{"a":` + nest("[", "", "]", 128) + `}`: false, nest(`{"b":`, "1", "}", 129): false,
		nest(`{"b":`, "1", "}", 10_000): false, `{"a":` + nest("[", "", "]", 100_000) + `}`: false,
		`{"a":1,"a":2}`: false, `{"a":1,"\u0061":2}`: false, `{"a":{"b":1,"b":2}}`: false,
		`{"a":[[{"b":1,"c":[{"b":1}],"\u0062":2}]]}`: false, `{"a":{"\ud800":1}}`: false,
		``: false, `[]`: false, `{`: false, `{"a":{]}`: false, `{"a":[}}`: false, `{"a":[1,]}`: false, `{"a":{"b":1,}}`: false,
		`{"a":{"b"}}`: false, `{"a":1}{}`: false, `{"a":[1 2]}`: false, `{"a":[`: false, `{"a":`: false, `{"a"`: false,
	} {
		var members []Member
		if ok := Walk(text, 128, nil, func(_ int, m Member) { members = append(members, m) }); ok != valid {
			t.Errorf("%.60q: got %t, want %t", text, ok, valid)
		} else if ok && !json.Valid([]byte(text)) {
			t.Errorf("%.60q: encoding/json refuses it", text)
		}
		for _, m := range members {
			if !json.Valid([]byte(m.Value)) {
				t.Errorf("%.60q: the value of %q is %q", text, m.Name, m.Value)
			}
		}
	}
}

func TestWalkVisitsInsideFirst(t *testing.T) {
	var visited []string
	Walk(`{"a":{"b":[{"c":1}]},"d":"x"}`, 9, nil, func(depth int, m Member) {
		visited = append(visited, fmt.Sprintf("%d %s %s", depth, m.Name, m.Value))
	})
	if want := []string{"4 c 1", `2 b [{"c":1}]`, `1 a {"b":[{"c":1}]}`, `1 d "x"`}; !slices.Equal(visited, want) {
		t.Errorf("got %q, want %q", visited, want)
	}
}

package authz

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// call is a message that calls a tool.
const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_x","arguments":{"a":[{"name":1}]}}}`

// nested is an array that is so deep.
func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

// objects is an object that is so deep.
func objects(depth int) string {
	return strings.Repeat(`{"a":`, depth-1) + "{}" + strings.Repeat("}", depth-1)
}

// longArgument is a call of so many bytes.
func longArgument(size int) string {
	const begin, end = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_x","arguments":{"a":"`, `"}}}`
	return begin + strings.Repeat("a", size-len(begin)-len(end)) + end
}

var readable = map[string]MCPMessage{
	call: {Method: "tools/call", Name: "get_x"},
	"\t{ \"params\" : {\"arguments\":{},\"name\":\"get_x\"} ,\n \"method\":\"tools/call\",\"jsonrpc\":\"2.0\" }\n": {
		Method: "tools/call", Name: "get_x",
	},
	`{"jsonrpc":"2.0","id":"a","method":"tools\/call","params":{"name":"\u0067et_x"}}`: {
		Method: "tools/call", Name: "get_x",
	},
	`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`: {Method: "tools/list"},
	`{"jsonrpc":"2.0","method":"notifications/initialized","params":[1]}`: {
		Method: "notifications/initialized",
	},
	`{"jsonrpc":"2.0","id":1.5,"method":"x","params":{"_meta":{"Name":1,"METHOD":2},"name":3}}`: {Method: "x"},
	`{"_meta":{"name":"a","Name":"b"},"jsonrpc":"2.0","method":"prompts/get","params":{"name":"ü"}}`: {
		Method: "prompts/get", Name: "ü",
	},
	`{"params":{"uri":"file:///a"},"x":{"uri":"b"},"jsonrpc":"2.0","id":1,"method":"resources/read"}`: {
		Method: "resources/read", URI: "file:///a",
	},
	`{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"t"}}`:    {Method: "tasks/get", TaskID: "t"},
	`{"jsonrpc":"2.0","id":1,"result":{"name":"get_x","Name":"a"}}`:            {},
	`{"jsonrpc":"2.0","id":1,"error":{"code":1}}`:                              {},
	`{"jsonrpc":"2.0","id":1,"method":"` + strings.Repeat("m", 128) + `"}`:     {Method: strings.Repeat("m", 128)},
	`{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":` + nested(126) + `}}`: {Method: "x"},
	`{"jsonrpc":"2.0","id":1,"method":"x","params":` + objects(127) + `}`:      {Method: "x"},
	`{"jsonrpc":"2.0","id":1,"method":"x","a":"\ud800"}`:                       {Method: "x"},
	longArgument(MaxMCPBody): {Method: "tools/call", Name: "get_x"},
}

var unreadable = map[string]string{
	"":                             notMessageDetail,
	"null":                         notMessageDetail,
	"[" + call + "]":               notMessageDetail,
	call + call:                    notMessageDetail,
	call + ",":                     notMessageDetail,
	call[:len(call)-1]:             notMessageDetail,
	call[:len(call)/2]:             notMessageDetail,
	"\ufeff" + call:                notMessageDetail,
	"\x00" + call:                  notMessageDetail,
	call + "\x00":                  notMessageDetail,
	"{}":                           notMessageDetail,
	nested(10_000):                 notMessageDetail,
	longArgument(MaxMCPBody + 1):   longDetail,
	longArgument(1 << 20):          longDetail,
	`{"a":` + nested(10_000) + "}": notMessageDetail,
	`{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":` + nested(127) + `}}`: notMessageDetail,
	`{"jsonrpc":"2.0","id":1,"method":"x","params":` + objects(128) + `}`:      notMessageDetail,
	`{"jsonrpc":"2.0","id":1,"method":"x","params":` + objects(10_000) + `}`:   notMessageDetail,

	strings.Replace(call, "get_x", "get_x\xff", 1):                                      notMessageDetail,
	strings.Replace(call, `"a":[`, `"a":"`+"\xc3\x28"+`","b":[`, 1):                     notMessageDetail,
	strings.Replace(call, `"id"`, `"method":"tools/list","id"`, 1):                      notMessageDetail,
	strings.Replace(call, `"id"`, `"\u006dethod":"tools/list","id"`, 1):                 notMessageDetail,
	strings.Replace(call, `"arguments"`, `"name":"delete_station","arguments"`, 1):      notMessageDetail,
	strings.Replace(call, `"arguments"`, `"n\u0061me":"delete_station","arguments"`, 1): notMessageDetail,
	strings.Replace(call, `{"name":1}`, `{"x":{"a":1,"b":2,"a":1}}`, 1):                 notMessageDetail,
	strings.Replace(call, `"id"`, `"params":{"name":"delete_station"},"id"`, 1):         notMessageDetail,
	strings.Replace(call, `{"name":1}`, `{"\ud800":1}`, 1):                              notMessageDetail,
	strings.Replace(call, `"id":1`, `"id":null`, 1):                                     notMessageDetail,
	strings.Replace(call, `"id":1`, `"id":{}`, 1):                                       notMessageDetail,
	strings.Replace(call, `"id":1`, `"id":NaN`, 1):                                      notMessageDetail,
	strings.Replace(call, `"2.0"`, `2.0`, 1):                                            notMessageDetail,
	strings.Replace(call, `"2.0"`, `"1.0"`, 1):                                          notMessageDetail,
	strings.Replace(call, `"jsonrpc":"2.0",`, ``, 1):                                    notMessageDetail,
	strings.Replace(call, `"id"`, `"result":{},"id"`, 1):                                notMessageDetail,
	`{"jsonrpc":"2.0","id":1,"result":{},"error":{}}`:                                   notMessageDetail,
	`{"jsonrpc":"2.0","id":1}`:                                                          notMessageDetail,
	`{'jsonrpc':"2.0","id":1,"method":"x"}`:                                             notMessageDetail,
	`{"jsonrpc":"2.0","id":1,"method":"x",}`:                                            notMessageDetail,
	`{"jsonrpc":"2.0","id":1,/**/"method":"x"}`:                                         notMessageDetail,

	strings.Replace(call, `"method"`, `"METHOD"`, 1):                                         variantDetail,
	strings.Replace(call, `"id"`, `"Method":"tools/list","id"`, 1):                           variantDetail,
	strings.Replace(call, `"id"`, `"paramſ":{"name":"delete_station"},"id"`, 1):              variantDetail,
	strings.Replace(call, `"id"`, `"param\u017f":{"name":"delete_station"},"id"`, 1):         variantDetail,
	strings.Replace(call, `"id"`, `"ID":2,"id"`, 1):                                          variantDetail,
	strings.Replace(call, `"id"`, `"JSONRPC":"2.0","id"`, 1):                                 variantDetail,
	strings.Replace(call, `"id"`, `"Error":1,"id"`, 1):                                       variantDetail,
	strings.Replace(call, `"id"`, `"reſult":1,"id"`, 1):                                      variantDetail,
	strings.Replace(call, `"arguments"`, `"Name":"delete_station","arguments"`, 1):           variantDetail,
	strings.Replace(call, `{"name":"get_x",`, `{"NAME":"delete_station","name":"get_x",`, 1): variantDetail,

	strings.Replace(call, `"get_x"`, `1`, 1):                                     wordDetail,
	strings.Replace(call, `"get_x"`, `""`, 1):                                    wordDetail,
	strings.Replace(call, `"get_x"`, `null`, 1):                                  wordDetail,
	strings.Replace(call, `"get_x"`, `["get_x"]`, 1):                             wordDetail,
	strings.Replace(call, `get_x`, `get x`, 1):                                   wordDetail,
	strings.Replace(call, `get_x`, `get_x\u0000`, 1):                             wordDetail,
	strings.Replace(call, `get_x`, `get_ü`, 1):                                   wordDetail,
	strings.Replace(call, `get_x`, `get_\ud800`, 1):                              wordDetail,
	strings.Replace(call, `get_x`, strings.Repeat("a", 129), 1):                  wordDetail,
	strings.Replace(call, `"name":"get_x",`, ``, 1):                              wordDetail,
	strings.Replace(call, `tools/call`, `tools call`, 1):                         wordDetail,
	`{"jsonrpc":"2.0","id":1,"method":1}`:                                        wordDetail,
	`{"jsonrpc":"2.0","id":1,"method":""}`:                                       wordDetail,
	`{"jsonrpc":"2.0","id":1,"method":null}`:                                     wordDetail,
	`{"jsonrpc":"2.0","id":1,"method":"tools/call"}`:                             wordDetail,
	`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["name"]}`:           wordDetail,
	`{"jsonrpc":"2.0","id":1,"method":"tools/call","x":{"name":"get_x"}}`:        wordDetail,
	`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[{"name":"get_x"}]}`: wordDetail,
}

// Attack Y4: a message is read in one way, or not at all.
func TestMessagesAreReadInOneWay(t *testing.T) {
	for body, want := range readable {
		if got, refused := readMessage(body); got != want || refused != "" {
			t.Errorf("%.200s: got %+v %s, want %+v", body, got, refused, want)
		}
	}
	for body, want := range unreadable {
		if got, refused := readMessage(body); got != (MCPMessage{}) || refused != want {
			t.Errorf("%.200s: got %+v %q, want %q", body, got, refused, want)
		}
	}
}

// goMessage is what a server in Go reads: case of names does not matter to it.
type goMessage struct {
	Method json.RawMessage
	Params json.RawMessage
}

// goReads returns the method, and the tool if one is called, that encoding/json
// finds in a body.
func goReads(body []byte) (method, tool string, err error) {
	var m goMessage
	if err := json.Unmarshal(body, &m); err != nil {
		return "", "", err
	}
	if m.Method == nil {
		return "", "", nil
	}
	if err := json.Unmarshal(m.Method, &method); err != nil || method != toolsCall {
		return method, "", err
	}
	var params struct{ Name string }
	err = json.Unmarshal(m.Params, &params)
	return method, params.Name, err
}

// Attack Y4: whatever the body, the method and the tool that are decided on are those that
// encoding/json finds, or the body is refused.
func FuzzMessage(f *testing.F) {
	for body := range readable {
		f.Add(body)
	}
	for body := range unreadable {
		if len(body) < 1<<10 {
			f.Add(body)
		}
	}
	f.Fuzz(func(t *testing.T, body string) {
		m, refused := readMessage(body)
		if refused != "" {
			if m != (MCPMessage{}) {
				t.Fatalf("refused, and %+v", m)
			}
			return
		}
		method, tool, err := goReads([]byte(body))
		if err != nil || method != m.Method || tool != m.tool() {
			t.Fatalf("encoding/json reads %q %q (%v), here %+v", method, tool, err, m)
		}
	})
}

// pythonReads prints a line for each message of a list: the method and the tool that
// Python's json finds.
const pythonReads = `
import json, sys
for body in json.load(sys.stdin):
    m = json.loads(bytes.fromhex(body))
    method = m.get("method", "")
    print(json.dumps([method, m["params"]["name"] if method == "tools/call" else ""]))
`

// Attack Y4: what is read here is what Python's json reads.
func TestPythonReadsTheSameMessages(t *testing.T) {
	var bodies, want []string
	for body, m := range readable {
		bodies = append(bodies, fmt.Sprintf("%x", body))
		line, _ := json.Marshal([]string{m.Method, m.tool()})
		want = append(want, strings.ReplaceAll(string(line), `","`, `", "`))
	}
	list, _ := json.Marshal(bodies)
	command := exec.Command("python3", "-c", pythonReads)
	command.Stdin = strings.NewReader(string(list))
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := strings.Split(strings.TrimSpace(string(out)), "\n"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("Python reads\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Attack Y9: no header makes another message of the body.
func TestOnlyJSONInUTF8IsAMessage(t *testing.T) {
	const kind, coding = "Content-Type", "content-encoding"
	for _, row := range []struct {
		headers []string // name, value, …
		says    bool
	}{
		{nil, true},
		{[]string{kind, "application/json"}, true},
		{[]string{"CONTENT-TYPE", "Application/JSON; Charset=UTF-8"}, true},
		{[]string{kind, `application/json;charset="utf-8"`}, true},
		{[]string{kind, "application/json ;\tcharset=utf8 "}, true},
		{[]string{kind, "application/json", coding, "identity"}, true},
		{[]string{kind, "application/json; charset=utf-7"}, false},
		{[]string{kind, "application/json; charset=utf-16"}, false},
		{[]string{kind, `application/json; charset="utf-7`}, false},
		{[]string{kind, `application/json; charset="utf-8`}, false},
		{[]string{kind, "application/json; charset=utf-8; charset=utf-7"}, false},
		{[]string{kind, "application/json; charset=utf-8, application/json; charset=utf-7"}, false},
		{[]string{kind, "application/json; charset"}, false},
		{[]string{kind, "application/json; charset="}, false},
		{[]string{kind, "application/json; profile=a"}, false},
		{[]string{kind, "application/json; charset*=utf-8''utf-7"}, false},
		{[]string{kind, "application/json;"}, false},
		{[]string{kind, "application/json,application/json"}, false},
		{[]string{kind, "application/json", kind, "application/json"}, false},
		{[]string{kind, ""}, false},
		{[]string{kind, "text/plain"}, false},
		{[]string{kind, "application/x-www-form-urlencoded; x=application/json"}, false},
		{[]string{kind, "multipart/form-data; boundary=application/json"}, false},
		{[]string{kind, "application/json", coding, "gzip"}, false},
		{[]string{kind, "application/json", coding, ""}, false},
		{[]string{coding, "identity", coding, "br"}, false},
		{[]string{coding, "identity, br"}, false},
	} {
		var request Request
		for i := 0; i < len(row.headers); i += 2 {
			request.AddHeader(row.headers[i], row.headers[i+1])
		}
		if got := request.saysJSON(); got != row.says {
			t.Errorf("%q: %t", row.headers, got)
		}
	}
}

// Attack Y5: headers that repeat the message say the same.
func TestHeadersSayTheSameAsTheMessage(t *testing.T) {
	tool := MCPMessage{Method: "tools/call", Name: "get_x"}
	for _, row := range []struct {
		message MCPMessage
		headers []string // name, value, …
		agree   bool
	}{
		{tool, nil, true},
		{tool, []string{"Mcp-Method", "tools/call", "MCP-NAME", "get_x"}, true},
		{tool, []string{"mcp-name", "=?base64?Z2V0X3g=?="}, true},
		{tool, []string{"mcp-name", "=?base64?Z2V0X3g?="}, false},
		{tool, []string{"mcp-name", "=?base64?Z2V0X3k=?="}, false},
		{tool, []string{"mcp-name", "=?base64?Z2V0\nX3g=?="}, false},
		{tool, []string{"mcp-name", "=?BASE64?Z2V0X3g=?="}, false},
		{tool, []string{"mcp-method", "tools/list"}, false},
		{tool, []string{"mcp-method", "Tools/call"}, false},
		{tool, []string{"mcp-method", ""}, false},
		{tool, []string{"mcp-method", "tools/call,tools/call"}, false},
		{tool, []string{"mcp-method", "tools/call", "mcp-method", "tools/call"}, false},
		{tool, []string{"mcp-name", "delete_station"}, false},
		{tool, []string{"mcp-name", ""}, false},
		{tool, []string{"mcp-name", "get_x", "mcp-name", "get_x"}, false},
		{MCPMessage{Method: "prompts/get", Name: "ü"}, []string{"mcp-name", "=?base64?w7w=?="}, true},
		{MCPMessage{Method: "prompts/get"}, []string{"mcp-name", "x"}, true},
		{MCPMessage{Method: "prompts/get"}, []string{"mcp-name", ""}, false},
		{MCPMessage{Method: "resources/read", URI: "a:b"}, []string{"mcp-name", "a:b"}, true},
		{MCPMessage{Method: "resources/read", URI: "a:b", Name: "c"}, []string{"mcp-name", "c"}, false},
		{MCPMessage{Method: "tasks/cancel", TaskID: "1"}, []string{"mcp-name", "2"}, false},
		{MCPMessage{Method: "tools/list"}, []string{"mcp-name", "x", "mcp-name", ""}, true},
		{MCPMessage{}, nil, true},
		{MCPMessage{}, []string{"mcp-name", "x"}, true},
		{MCPMessage{}, []string{"mcp-method", "tools/call"}, false},
	} {
		var request Request
		for i := 0; i < len(row.headers); i += 2 {
			request.AddHeader(row.headers[i], row.headers[i+1])
		}
		if got := request.headersAgree(&row.message); got != row.agree {
			t.Errorf("%+v, %q: %t", row.message, row.headers, got)
		}
	}
}

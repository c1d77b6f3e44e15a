package authz

import (
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/kinde-authz/kinde-authz/internal/strictjson"
)

// Limits of a message of the Model Context Protocol.
const (
	// MaxMCPBody is how long a body may be that is read as a message, in bytes.
	MaxMCPBody = 128 << 10

	maxMCPDepth = 128 // of arrays and objects, the message included
	maxMCPWord  = 128 // of a method and of a tool's name, in bytes
)

// toolsCall is the method that calls a tool.
const toolsCall = "tools/call"

// MCPMessage is what a decision reads of a message of the Model Context Protocol.
// https://modelcontextprotocol.io/specification
type MCPMessage struct {
	// Method is that of a request or a notification, empty for a response.
	Method string
	// Name, URI and TaskID are params.name, params.uri and params.taskId, empty
	// where they are not known.
	Name, URI, TaskID string
}

// tool is the name of the tool that the message calls, empty where it calls none.
func (m *MCPMessage) tool() string {
	if m.Method != toolsCall {
		return ""
	}
	return m.Name
}

// The details of [MCPUnreadable].
const (
	noBodyDetail     = "Envoy sent no body as bytes"
	textBodyDetail   = "Envoy sent the body as text: pack_as_bytes must be true"
	partialDetail    = "Envoy sent a part of the body only"
	longDetail       = "the body is longer than 128 KiB"
	notMessageDetail = "the body is not one JSON-RPC 2.0 message with unique names"
	variantDetail    = "a member has the name of another one in another case"
	wordDetail       = "method, or params.name of tools/call, is not a string of 1 to 128 visible ASCII characters"
	mcpMethodDetail  = "the HTTP method is none of POST, GET, HEAD and DELETE"
	contentDetail    = "Content-Type is not application/json in UTF-8, or there is a Content-Encoding"
	headersDetail    = "the header Mcp-Method or Mcp-Name says something else than the message"
	metadataDetail   = "the body and Envoy's metadata say different things"
	noMessageDetail  = "there is neither a body as bytes nor metadata of Envoy's MCP filter"
)

// readMessage reads a message in the one way in which it can be read, or returns
// the detail of why it cannot. Whatever a server's own reader makes of case, of
// repeated names or of broken text, it finds the same method and the same name.
func readMessage(body string) (m MCPMessage, refused string) {
	if len(body) > MaxMCPBody {
		return m, longDetail
	}
	if !utf8.ValidString(body) {
		return m, notMessageDetail
	}
	r := messageReaders.Get().(*messageReader)
	defer r.release()
	if !strictjson.Walk(body, maxMCPDepth, r.room[:], r.visit) {
		return m, notMessageDetail
	}
	return r.message()
}

// messageReader collects the members of a message that are read. Readers are used
// again, so that one allocates nothing.
type messageReader struct {
	members
	room  [32]strictjson.Member
	visit func(int, strictjson.Member) // take
}

var messageReaders = sync.Pool{New: func() any {
	r := &messageReader{}
	r.visit = r.take
	return r
}}

// release ends the use of the reader and of all texts in it.
func (r *messageReader) release() {
	r.members = members{}
	clear(r.room[:])
	messageReaders.Put(r)
}

// members are those of a message that are read.
type members struct {
	version, id, method, params, result, fault strictjson.Value

	name, uri, task strictjson.Value // of params, or of the object that is being read
	inner           bool             // that object has a variant of name
	variant         bool
}

// take takes a member of the message, or of an object in it. Those of params come
// before params itself.
func (r *members) take(depth int, m strictjson.Member) {
	switch depth {
	case 1:
		r.takeOuter(m)
	case 2:
		r.takeInner(m)
	}
}

func (r *members) takeOuter(m strictjson.Member) {
	switch m.Name {
	case "jsonrpc":
		r.version = m.Value
	case "id":
		r.id = m.Value
	case "method":
		r.method = m.Value
	case "params":
		r.params, r.variant = m.Value, r.variant || r.inner
		r.inner = false
		return // what was read inside is its own
	case "result":
		r.result = m.Value
	case "error":
		r.fault = m.Value
	default:
		r.variant = r.variant || isVariant(m.Name, "jsonrpc", "id", "method", "params", "result", "error")
	}
	if r.params == "" { // what was read inside is another's
		r.name, r.uri, r.task, r.inner = "", "", "", false
	}
}

func (r *members) takeInner(m strictjson.Member) {
	if r.params != "" {
		return
	}
	switch m.Name {
	case "name":
		r.name = m.Value
	case "uri":
		r.uri = m.Value
	case "taskId":
		r.task = m.Value
	default:
		r.inner = r.inner || isVariant(m.Name, "name")
	}
}

// isVariant reports whether a name differs from one of these in case alone: readers
// such as encoding/json take it for that one.
func isVariant(name string, of ...string) bool {
	for _, known := range of {
		if strings.EqualFold(name, known) && name != known {
			return true
		}
	}
	return false
}

// message returns what the members say together.
func (r *members) message() (m MCPMessage, refused string) {
	version, _ := r.version.Text()
	_, number := r.id.Number()
	_, text := r.id.Text()
	isResponse := r.result != "" || r.fault != ""
	switch {
	case r.variant:
		return m, variantDetail
	case version != "2.0", r.id != "" && !number && !text,
		isResponse == (r.method != ""), r.result != "" && r.fault != "":
		return m, notMessageDetail
	case isResponse:
		return m, ""
	}
	m.Method, _ = r.method.Text()
	m.Name, _ = r.name.Text()
	m.URI, _ = r.uri.Text()
	m.TaskID, _ = r.task.Text()
	if !m.plain() {
		return MCPMessage{}, wordDetail
	}
	return m, ""
}

// plain reports whether method and tool are words that every reader, log and header
// can hold as they are.
func (m *MCPMessage) plain() bool {
	return isMCPWord(m.Method) && (m.Method != toolsCall || isMCPWord(m.Name))
}

func isMCPWord(text string) bool {
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return false
		}
	}
	return text != "" && len(text) <= maxMCPWord
}

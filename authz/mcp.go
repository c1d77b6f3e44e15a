package authz

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// MCP says of a route that a server of the Model Context Protocol is behind it. The
// route's policy says who may speak to the server at all. The zero value lets them
// call every tool, in messages that can be read in one way only.
type MCP struct {
	// Tools say which policy must hold too for a call of a tool. The first whose
	// name matches does, and a tool that none matches is denied. Nil lets all be
	// called; an empty list is an error.
	Tools []Tool
	// Origins are those whose pages may send requests, as browsers write them,
	// like https://app.example.com. A request without an origin passes. Nil is
	// not asked; an empty list is an error.
	Origins []string
	// EnvoyMetadata reads the message from what Envoy's own filter says of it
	// where no body came.
	EnvoyMetadata bool
}

// Tool says which policy a call of a tool must meet beside the route's.
type Tool struct {
	// Name is the name of the tool, or how it begins and a * at its end.
	Name string
	// Policy is the name of the policy. Empty adds none.
	Policy string
}

// mcp is an MCP, ready for use.
type mcp struct {
	tools    []tool   // nil for all, without a policy
	origins  []string // nil for all
	metadata bool
}

// tool is a Tool, ready for use.
type tool struct {
	number int // among those of the route
	name   string
	prefix bool    // the name is how it begins
	policy *policy // nil where it adds none
}

func (m *MCP) compile(policies policies) (*mcp, error) {
	if m == nil {
		return nil, nil //nolint:nilnil // no server of this protocol
	}
	compiled := &mcp{origins: slices.Clone(m.Origins), metadata: m.EnvoyMetadata}
	if err := checkEach("origins", m.Origins, checkOrigin); err != nil {
		return nil, err
	}
	if m.Tools != nil && len(m.Tools) == 0 {
		return nil, at(errEmptyList, "tools")
	}
	for number, t := range m.Tools {
		one, err := t.compile(policies)
		if err != nil {
			return nil, at(err, "tools", strconv.Itoa(number))
		}
		one.number = number
		compiled.tools = append(compiled.tools, one)
	}
	return compiled, nil
}

func (t Tool) compile(policies policies) (tool, error) {
	name, prefix := strings.CutSuffix(t.Name, "*")
	if strings.Contains(name, "*") || !prefix && !isMCPWord(name) || name != "" && !isMCPWord(name) {
		err := fmt.Errorf("%q: want a tool's name of 1 to %d visible ASCII characters, or how it begins and one * at its end",
			t.Name, maxMCPWord)
		return tool{}, at(err, "name")
	}
	compiled := tool{name: name, prefix: prefix}
	if t.Policy == "" {
		return compiled, nil
	}
	if compiled.policy = policies[t.Policy]; compiled.policy == nil {
		return tool{}, at(fmt.Errorf("no policy is named %q", t.Policy), "policy")
	}
	return compiled, nil
}

// checkOrigin refuses what no browser writes into Origin (Fetch standard): it would
// match nobody.
func checkOrigin(origin string) error {
	address, err := url.Parse(origin)
	form := errors.New("want an origin as browsers write it, like https://app.example.com: scheme and host, in lower case, without a path")
	switch {
	case origin == "*", origin == "null":
		return fmt.Errorf("%q: %w; %s stands for no page that can be told from others", origin, form, origin)
	case err != nil || address.Host == "" || address.Scheme+"://"+address.Host != origin || strings.ToLower(origin) != origin,
		strings.ContainsFunc(origin, func(r rune) bool { return r <= ' ' || r > '~' || r == ',' || r == '*' }):
		return fmt.Errorf("%q: %w", origin, form)
	case address.Scheme == "https" && address.Port() == "443", address.Scheme == "http" && address.Port() == "80":
		return fmt.Errorf("%q: browsers leave out the port %s", origin, address.Port())
	}
	return nil
}

// matches reports whether the entry is for a tool of that name.
func (t *tool) matches(name string) bool {
	if t.prefix {
		return strings.HasPrefix(name, t.name)
	}
	return name == t.name
}

// find returns the entry for a tool; nil where there are entries and none is for it.
// Without entries it is one without a policy.
func (m *mcp) find(name string) *tool {
	if m.tools == nil {
		return &anyTool
	}
	for i := range m.tools {
		if m.tools[i].matches(name) {
			return &m.tools[i]
		}
	}
	return nil
}

var anyTool = tool{number: -1, prefix: true}

// admitsOrigin reports whether a request with these values of Origin may pass.
func (m *mcp) admitsOrigin(values []string) bool {
	return m == nil || m.origins == nil || len(values) == 0 || len(values) == 1 && slices.Contains(m.origins, values[0])
}

// carriesMessage reports whether a request to the server has a message to read. A
// stream is opened with GET, and a session ended with DELETE, without one.
func (m *mcp) carriesMessage(request *Request) bool {
	switch request.Method {
	case "GET", "HEAD", "DELETE":
		return false
	default:
		return m != nil
	}
}

// read reads the message of a request, or returns the detail of why it cannot be
// read, or be believed. A message that can be read is returned all the same.
func (m *mcp) read(request *Request) (message MCPMessage, refused string) {
	if request.Method != "POST" {
		return message, mcpMethodDetail
	}
	if request.isPartial() {
		return message, partialDetail
	}
	if !request.saysJSON() {
		return message, contentDetail
	}
	metadata, told := m.readMetadata(request)
	switch {
	case request.Body != "":
		if message, refused = readMessage(request.Body); refused != "" {
			return message, refused
		}
		if told && !message.agrees(&metadata) {
			return message, metadataDetail
		}
	case request.TextBody:
		return message, textBodyDetail
	case told && !metadata.plain():
		return message, wordDetail
	case told:
		message = metadata
	case m.metadata:
		return message, noMessageDetail
	default:
		return message, noBodyDetail
	}
	if !request.headersAgree(&message) {
		return message, headersDetail
	}
	return message, ""
}

// readMetadata returns what Envoy's filter says of the message, if that counts here.
func (m *mcp) readMetadata(request *Request) (message MCPMessage, told bool) {
	if !m.metadata || request.Metadata == nil {
		return message, false
	}
	return request.Metadata.MCPMessage()
}

// agrees reports whether two readers found the same method, and the same of what
// both of them know.
func (m *MCPMessage) agrees(other *MCPMessage) bool {
	same := func(a, b string) bool { return a == b || a == "" || b == "" }
	return m.Method == other.Method && m.tool() == other.tool() &&
		same(m.Name, other.Name) && same(m.URI, other.URI) && same(m.TaskID, other.TaskID)
}

// toolPolicy returns the policy of the tool that a request calls, for a challenge
// that names all scopes it needs; nil where the message cannot be read, or the tool
// adds none.
func (m *mcp) toolPolicy(request *Request) *policy {
	if !m.carriesMessage(request) {
		return nil
	}
	message, unreadable := m.read(request)
	if unreadable != "" || message.tool() == "" {
		return nil
	}
	if called := m.find(message.tool()); called != nil {
		return called.policy
	}
	return nil
}

package extauthz

import (
	"sync"

	"go.uber.org/zap"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/kinde-authz/kinde-authz/authz"
)

// call is one call of Envoy's: the request that was read from its bytes, and what
// was decided. Calls are used again, so that one allocates nothing.
type call struct {
	request  authz.Request
	decision authz.Decision
	observed Observation

	key, value, raw string // of the header, or the extension, that is being read
	fields          [1]zap.Field

	entry, metadata []string // a Struct's bytes, in parts: of the filter that is being read, and of Envoy's MCP filter
}

var calls = sync.Pool{New: func() any { return &call{} }}

// release ends the use of the call and of all strings in it.
func (c *call) release() {
	r := &c.request
	for _, list := range []*[]string{
		&r.Authorization, &r.Connection, &r.Identity, &r.Origin, &r.MCPMethod, &r.MCPName, &r.PartialBody,
		&r.ContentType, &r.ContentEncoding, &c.entry, &c.metadata,
	} {
		clear(*list)
		*list = (*list)[:0]
	}
	*c = call{
		request: authz.Request{
			Authorization: r.Authorization, Connection: r.Connection, Identity: r.Identity, Origin: r.Origin,
			MCPMethod: r.MCPMethod, MCPName: r.MCPName, PartialBody: r.PartialBody,
			ContentType: r.ContentType, ContentEncoding: r.ContentEncoding,
		},
		entry: c.entry, metadata: c.metadata,
	}
	calls.Put(c)
}

// read takes what a decision needs from the bytes of a CheckRequest. It refuses
// what the generated types refuse. The strings share the memory of the bytes.
func (c *call) read(message []byte) error {
	return requestSchema.read(c, message, protowire.DefaultRecursionLimit)
}

// addHeader takes a header of the map, or of the list that Envoy sends with
// encode_raw_headers. A key that the map has twice, as no map does, is two headers.
func (c *call) addHeader() {
	if c.raw != "" {
		c.value = c.raw
	}
	if len(c.key) > 0 && c.key[0]|0x20 == 't' && c.observed.Trace.add(c.key, c.value) {
		return // the first byte spares most headers the call
	}
	c.request.AddHeader(c.key, c.value)
}

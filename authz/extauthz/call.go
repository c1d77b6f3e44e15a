package extauthz

import (
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/kinde-authz/kinde-authz/authz"
)

// call is one call of Envoy's: the request that was read from its bytes, and what
// was decided. Calls are used again, so that one allocates nothing.
type call struct {
	request  authz.Request
	decision authz.Decision
	took     time.Duration

	key, value, raw string   // of the header, or the extension, that is being read
	mapped          []mapped // headers of the map of which there must be one
	fields          [1]zap.Field
}

// mapped is a header of a map. A key that is there twice has the last value.
type mapped struct {
	key, value string
	into       *[]string
}

var calls = sync.Pool{New: func() any { return &call{} }}

// release ends the use of the call and of all strings in it.
func (c *call) release() {
	r := &c.request
	for _, list := range []*[]string{&r.Authorization, &r.Connection, &r.Identity} {
		clear(*list)
		*list = (*list)[:0]
	}
	clear(c.mapped)
	*c = call{mapped: c.mapped[:0], request: authz.Request{Authorization: r.Authorization, Connection: r.Connection, Identity: r.Identity}}
	calls.Put(c)
}

// read takes what a decision needs from the bytes of a CheckRequest. It refuses
// what the generated types refuse. The strings share the memory of the bytes.
func (c *call) read(message []byte) error {
	if err := requestSchema.read(c, message, protowire.DefaultRecursionLimit); err != nil {
		return err
	}
	for _, header := range c.mapped {
		*header.into = append(*header.into, header.value)
	}
	return nil
}

// addListed takes a header of the list that Envoy sends with encode_raw_headers.
func (c *call) addListed() {
	if c.raw != "" {
		c.value = c.raw
	}
	c.request.AddHeader(c.key, c.value)
}

// addMapped takes a header of the map that Envoy sends otherwise. Two spellings
// of one name are two headers.
func (c *call) addMapped() {
	into := &c.request.Authorization
	switch {
	case strings.EqualFold(c.key, "authorization"):
	case strings.EqualFold(c.key, "connection"):
		into = &c.request.Connection
	default:
		c.request.AddHeader(c.key, c.value)
		return
	}
	for i := range c.mapped {
		if c.mapped[i].key == c.key {
			c.mapped[i].value = c.value
			return
		}
	}
	c.mapped = append(c.mapped, mapped{c.key, c.value, into})
}

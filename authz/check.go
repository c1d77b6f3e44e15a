package authz

import (
	"sync"
	"time"
	"unsafe"

	"go.uber.org/zap"
	"google.golang.org/protobuf/encoding/protowire"
)

// check is one call of Envoy's: the request that was read from its bytes, and
// what was decided. Checks are used again, so that a call allocates nothing.
type check struct {
	request  Request
	decision Decision
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

var checks = sync.Pool{New: func() any { return &check{} }}

// release ends the use of the check and of all strings in it.
func (c *check) release() {
	r := &c.request
	for _, list := range []*[]string{&r.Authorization, &r.Connection, &r.Identity} {
		clear(*list)
		*list = (*list)[:0]
	}
	clear(c.mapped)
	*c = check{mapped: c.mapped[:0], request: Request{Authorization: r.Authorization, Connection: r.Connection, Identity: r.Identity}}
	checks.Put(c)
}

// read takes what a decision needs from the bytes of a CheckRequest. It refuses
// what the generated types refuse. The strings are views of the bytes.
func (c *check) read(message []byte) error {
	if err := requestShape.read(c, message, protowire.DefaultRecursionLimit); err != nil {
		return err
	}
	for _, header := range c.mapped {
		*header.into = append(*header.into, header.value)
	}
	return nil
}

// view is the text that the bytes are, without a copy. It is good for as long as
// they do not change. Those of a message are used again once the check is
// released: what outlives a check must not keep a view of them.
func view(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // as above
}

// octets are the bytes that the text is, without a copy. Nobody writes to them.
func octets(text string) []byte {
	return unsafe.Slice(unsafe.StringData(text), len(text)) //nolint:gosec // read only
}

// addListed takes a header of the list that Envoy sends with encode_raw_headers.
func (c *check) addListed() {
	if c.raw != "" {
		c.value = c.raw
	}
	c.request.addHeader(c.key, c.value)
}

// addMapped takes a header of the map that Envoy sends otherwise. Two spellings
// of one name are two headers.
func (c *check) addMapped() {
	into := &c.request.Authorization
	switch {
	case named(c.key, "authorization"):
	case named(c.key, "connection"):
		into = &c.request.Connection
	default:
		c.request.addHeader(c.key, c.value)
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

package extauthz

import (
	"errors"
	"slices"
	"unicode/utf8"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// errWire is what is wrong with bytes that are no CheckRequest.
var errWire = errors.New("the message is not a CheckRequest")

// schema is what the bytes of one type of message look like, and what to do with
// those of its fields that a decision reads. All others are checked, as strictly
// as the generated types would, and passed over.
type schema struct {
	fields []field // by number
	begin  func(*call)
	end    func(*call)
}

// field is a field of a message. The zero value is an unknown one, or
// whose bytes can say anything.
type field struct {
	text    bool    // a string, which must be UTF-8
	message *schema // of a message, else nil
	entry   bool    // of a map
	take    func(*call, []byte)
}

var unknownField field

// requestSchema is that of a CheckRequest.
var requestSchema = newRequestSchema()

// newRequestSchema takes the schemas from the descriptors of the generated types,
// so that they are what a stock server reads, and marks what a decision reads.
func newRequestSchema() *schema {
	known := map[protoreflect.FullName]*schema{}
	root := schemaOf((&authv3.CheckRequest{}).ProtoReflect().Descriptor(), known)
	of := func(name protoreflect.FullName) *schema { return known["envoy."+name] }

	http := of("service.auth.v3.AttributeContext.HttpRequest")
	http.fields[2].take = func(c *call, b []byte) { c.request.Method = textOf(b) }
	http.fields[4].take = func(c *call, b []byte) { c.request.Path = textOf(b) }
	http.fields[11].take = func(c *call, b []byte) { c.request.TextBody = len(b) > 0 }
	http.fields[12].take = func(c *call, b []byte) { c.request.Body = textOf(b) }

	extension := of("service.auth.v3.AttributeContext.ContextExtensionsEntry")
	extension.takeHeader()
	extension.end = func(c *call) { c.request.AddExtension(c.key, c.value) }

	inMap := of("service.auth.v3.AttributeContext.HttpRequest.HeadersEntry")
	inMap.takeHeader()
	inMap.end = (*call).addHeader

	inList := of("config.core.v3.HeaderValue")
	inList.takeHeader()
	inList.fields[3].take = func(c *call, b []byte) { c.raw = textOf(b) }
	inList.end = (*call).addHeader

	attributes := of("service.auth.v3.AttributeContext")
	attributes.fields[11].message = attributes.fields[11].message.takingMetadata()
	return root
}

// takingMetadata returns the schema of the metadata that filters before have set,
// which is also that of what the configuration of a route holds: those count for
// nothing.
func (s *schema) takingMetadata() *schema {
	metadata, entry := &schema{fields: slices.Clone(s.fields)}, &schema{fields: slices.Clone(s.fields[1].message.fields)}
	metadata.fields[1].message = entry
	entry.begin = func(c *call) { c.key, c.entry = "", c.entry[:0] }
	entry.fields[1].take = func(c *call, b []byte) { c.key = textOf(b) }
	entry.fields[2].take = func(c *call, b []byte) { c.entry = append(c.entry, textOf(b)) }
	entry.end = (*call).addMetadata
	return metadata
}

// takeHeader reads the fields key and value, which maps and headers have by the
// same numbers.
func (s *schema) takeHeader() {
	s.begin = func(c *call) { c.key, c.value, c.raw = "", "", "" }
	s.fields[1].take = func(c *call, b []byte) { c.key = textOf(b) }
	s.fields[2].take = func(c *call, b []byte) { c.value = textOf(b) }
}

func schemaOf(message protoreflect.MessageDescriptor, known map[protoreflect.FullName]*schema) *schema {
	if s := known[message.FullName()]; s != nil {
		return s
	}
	s := &schema{}
	known[message.FullName()] = s
	for i := range message.Fields().Len() {
		descriptor := message.Fields().Get(i)
		number := int(descriptor.Number())
		if missing := number + 1 - len(s.fields); missing > 0 {
			s.fields = append(s.fields, make([]field, missing)...)
		}
		f := field{text: descriptor.Kind() == protoreflect.StringKind, entry: descriptor.IsMap()}
		if descriptor.Kind() == protoreflect.MessageKind {
			f.message = schemaOf(descriptor.Message(), known)
		}
		s.fields[number] = f
	}
	return s
}

// read reads a message. Depth is how much deeper messages may nest, this one
// included.
func (s *schema) read(c *call, b []byte, depth int) error {
	if depth--; depth < 0 {
		return errWire
	}
	if s.begin != nil {
		s.begin(c)
	}
	for len(b) > 0 {
		tag, n := varint(b)
		number, kind := tag>>3, protowire.Type(tag&7)
		if n < 0 || number < uint64(protowire.MinValidNumber) || number > uint64(protowire.MaxValidNumber) {
			return errWire
		}
		b = b[n:]
		f := &unknownField
		if number < uint64(len(s.fields)) {
			f = &s.fields[number]
		}
		if f.entry && depth == 0 {
			return errWire
		}
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(protowire.Number(number), kind, b); n < 0 {
				return errWire
			}
			b = b[n:]
			continue
		}
		length, n := varint(b)
		if n < 0 || length > uint64(len(b)-n) { //nolint:gosec // n is at most the length
			return errWire
		}
		content := b[n:][:length]
		if err := f.read(c, content, depth); err != nil {
			return err
		}
		b = b[n+len(content):]
	}
	if s.end != nil {
		s.end(c)
	}
	return nil
}

// varint reads a number, mostly of one byte, and returns how many bytes it
// has, or less than none when it is malformed.
func varint(b []byte) (uint64, int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return protowire.ConsumeVarint(b)
}

func (f *field) read(c *call, content []byte, depth int) error {
	switch {
	case f.message != nil:
		if err := f.message.read(c, content, depth); err != nil {
			return err
		}
	case f.text && !utf8.Valid(content):
		return errWire
	}
	if f.take != nil {
		f.take(c, content)
	}
	return nil
}

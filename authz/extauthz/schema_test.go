package extauthz

import (
	"strings"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"go.uber.org/zap"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/kinde-authz/kinde-authz/authz"
)

// message is a field that holds a message, or a text.
func message(number protowire.Number, content ...[]byte) []byte {
	out := protowire.AppendTag(nil, number, protowire.BytesType)
	return protowire.AppendBytes(out, []byte(strings.Join(texts(content), "")))
}

func texts(parts [][]byte) []string {
	out := make([]string, len(parts))
	for i, part := range parts {
		out[i] = string(part)
	}
	return out
}

// nested is a list in a list in a list, so many deep, in the metadata context,
// with a value in the innermost.
func nested(depth int, value []byte) []byte {
	for range depth {
		value = message(6, message(1, value)) // Value.list_value, ListValue.values
	}
	entry := message(1, message(2, value))  // Struct.fields, its value
	filter := message(1, message(2, entry)) // Metadata.filter_metadata, its value
	return message(1, message(11, filter))  // CheckRequest.attributes, metadata_context
}

// groups are groups, which no message of Envoy's has, in each other.
func groups(depth int) []byte {
	var out []byte
	for range depth {
		out = protowire.AppendTag(out, 99, protowire.StartGroupType)
	}
	for range depth {
		out = protowire.AppendTag(out, 99, protowire.EndGroupType)
	}
	return out
}

// sameAsStock checks that the bytes are refused if and only if the generated
// types refuse them.
func sameAsStock(t *testing.T, what string, bytes []byte) (refused bool) {
	t.Helper()
	c := &call{}
	got, want := c.read(bytes), proto.Unmarshal(bytes, &authv3.CheckRequest{})
	if (got != nil) != (want != nil) {
		t.Errorf("%s: %v here, %v by the generated types", what, got, want)
	}
	return got != nil
}

// Attack U7: a message nested as deep as can be.
func TestDepthIsThatOfTheGeneratedTypes(t *testing.T) {
	refused := 0
	for depth := 4985; depth < 5005; depth++ {
		if sameAsStock(t, "nested", nested(depth, nil)) {
			refused++
		}
		// A map is counted before it is known to be one: here it is a number.
		sameAsStock(t, "nested map", nested(depth, message(5, []byte{1 << 3, 0})))
	}
	for depth := 9995; depth < 10006; depth++ {
		if sameAsStock(t, "groups", groups(depth)) {
			refused++
		}
	}
	if refused == 0 || refused == 31 {
		t.Errorf("%d are refused: the limit was not met", refused)
	}
}

// Attack U7: bytes that are not a message.
func TestMalformedBytesAreThoseOfTheGeneratedTypes(t *testing.T) {
	http := func(fields ...[]byte) []byte { return message(1, message(4, message(2, fields...))) }
	bad, long := []byte("\xff"), protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.BytesType), 1<<62)
	for name, row := range map[string]struct {
		bytes   []byte
		refused bool
	}{
		"nothing":                      {nil, false},
		"a path that is no UTF-8":      {http(message(4, bad)), true},
		"a fragment that is no UTF-8":  {http(message(8, bad)), true},
		"a raw body that is no UTF-8":  {http(message(12, bad)), false},
		"a raw value that is no UTF-8": {http(message(13, message(1, message(3, bad)))), false},
		"a value that is no UTF-8":     {http(message(13, message(1, message(2, bad)))), true},
		"a key of the map":             {http(message(3, message(1, bad))), true},
		"a principal that is no UTF-8": {message(1, message(1, message(4, bad))), true},
		"an address that is no UTF-8":  {message(1, message(1, message(1, message(1, message(2, bad))))), true},
		"an unknown field":             {http(message(99, bad)), false},
		"a number where a text is meant": {
			http(protowire.AppendVarint(protowire.AppendTag(nil, 4, protowire.VarintType), 1)), false,
		},
		"a text where a number is meant": {http(message(9, bad)), false},
		"a message that ends too early":  {long, true},
		"a tag that ends too early":      {[]byte{0x80}, true},
		"a field 0":                      {[]byte{0x02, 0x00}, true},
		"a field beyond the last":        {protowire.AppendVarint(nil, (1<<29)<<3), true},
		"a wire type that there is not":  {[]byte{0x0f}, true},
		"an end without a beginning":     {protowire.AppendTag(nil, 1, protowire.EndGroupType), true},
		"a group that does not end":      {protowire.AppendTag(nil, 99, protowire.StartGroupType), true},
		"a group in a map's entry":       {http(message(3, groups(2))), false},
	} {
		if got := sameAsStock(t, name, row.bytes); got != row.refused {
			t.Errorf("%s: refused: %t, want %t", name, got, row.refused)
		}
	}
}

// Attack U10: a message can come in parts, which are one message: of single values
// the last counts, and lists are joined.
func TestPartsAreMergedAsByTheGeneratedTypes(t *testing.T) {
	http := func(fields ...[]byte) []byte { return message(1, message(4, message(2, fields...))) }
	entry := func(key, value string) []byte { return message(3, message(1, []byte(key)), message(2, []byte(value))) }
	listed := func(key, value string) []byte {
		return message(13, message(1, message(1, []byte(key)), message(2, []byte(value))))
	}
	for name, parts := range map[string][][]byte{
		"paths": {
			http(message(4, []byte("/a"))), http(message(2, []byte("PUT")), message(4, []byte("/b"))), http(message(4)),
		},
		"a key in two cases": {http(entry("authorization", "Bearer a"), entry("Authorization", "Bearer b"))},
		"value before key":   {http(message(3, message(2, []byte("Bearer a")), message(1, []byte("authorization"))))},
		"two keys in one": {http(message(3,
			message(1, []byte("x")), message(1, []byte("authorization")),
			message(2, []byte("Basic")), message(2, []byte("Bearer a")),
		))},
		"map and list": {http(entry("authorization", "Bearer a"), listed("authorization", "Bearer a"))},
		"lists":        {http(listed("authorization", "Bearer a")), http(listed("authorization", "Bearer a"))},
		"connections": {http(entry("authorization", "Bearer a"), entry("connection", "close"),
			entry("Connection", "x-kinde-a"))},
		"policies": {
			http(entry("authorization", "Bearer a")),
			message(1, message(10, message(1, []byte("policy")), message(2, []byte("run")))),
			message(1, message(10, message(1, []byte("policy")), message(2, []byte("default")))),
		},
		"no key of extension": {http(entry("authorization", "Bearer a")), message(1, message(10))},
		"nothing of a list":   {http(message(13, message(1)))},
	} {
		bytes := []byte(strings.Join(texts(parts), ""))
		check := &authv3.CheckRequest{}
		if err := proto.Unmarshal(bytes, check); err != nil {
			t.Fatal(name, err)
		}
		for _, sample := range samples(t) {
			answer := NewServer(sample.shipped, zap.NewNop(), nil).Answer(t.Context(), bytes, nil)
			sample.assertEqual(t, []byte(name), referenceRequest(check), answer)
		}
	}
}

// Attack U12: no map has a key twice. The generated types let the last value count;
// here both do, so that nobody can hide one behind the other.
func TestAKeyThatTheMapHasTwiceIsTwoHeaders(t *testing.T) {
	http := func(fields ...[]byte) []byte { return message(1, message(4, message(2, fields...))) }
	entry := func(key, value string) []byte { return message(3, message(1, []byte(key)), message(2, []byte(value))) }
	for name, row := range map[string]struct {
		parts [][]byte
		want  authz.Reason
	}{
		"two tokens": {
			[][]byte{http(entry("authorization", "Bearer a"), entry("authorization", "Bearer a"))},
			authz.MalformedAuthorization,
		},
		"the last is good": {
			[][]byte{http(entry("authorization", "Basic a")), http(entry("authorization", "Bearer a"))},
			authz.MalformedAuthorization,
		},
		"the last is empty": {
			[][]byte{http(entry("authorization", "Bearer a")), http(message(3, message(1, []byte("authorization"))))},
			authz.MalformedAuthorization,
		},
		"connection": {
			[][]byte{http(entry("authorization", "Bearer a"), entry("connection", "x-kinde-a"), entry("connection", "close"))},
			authz.BadRequest,
		},
	} {
		server := NewServer(samples(t)[0].shipped, zap.NewNop(), nil)
		answer := &authv3.CheckResponse{}
		message := []byte(strings.Join(texts(row.parts), ""))
		if err := proto.Unmarshal(server.Answer(t.Context(), message, nil), answer); err != nil {
			t.Fatal(name, err)
		}
		if got := answer.GetStatus().GetMessage(); got != string(row.want) || answer.GetOkResponse() != nil {
			t.Errorf("%s: got %q, want %s", name, got, row.want)
		}
	}
}

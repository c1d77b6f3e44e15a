package extauthz

import (
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/kinde-authz/kinde-authz/authz"
)

// The numbers of the fields that an answer has, by message.
const (
	responseStatus   = 1 // CheckResponse
	responseDenied   = 2
	responseOK       = 3
	responseMetadata = 4

	statusCode    = 1 // google.rpc.Status
	statusMessage = 2

	answerHeaders = 2 // OkHttpResponse and DeniedHttpResponse

	okRemove = 5 // OkHttpResponse

	deniedStatus = 1 // DeniedHttpResponse
	deniedBody   = 3

	httpStatusCode = 1 // HttpStatus

	optionHeader = 1 // HeaderValueOption
	optionAppend = 2
	optionAction = 3

	structFields = 1 // google.protobuf.Struct
	valueString  = 3 // google.protobuf.Value

	pairKey   = 1 // HeaderValue, and the entries of maps
	pairValue = 2
)

// tag is the tag of a field that holds bytes: one byte, as all numbers above
// are below 16.
func tag(number byte) byte { return number<<3 | byte(protowire.BytesType) }

func appendText(out []byte, number byte, text string) []byte {
	out = append(out, tag(number))
	if n := len(text); n < 0x80 { // the length is one byte too
		return append(append(out, byte(n)), text...)
	}
	return protowire.AppendString(out, text)
}

func appendNumber(out []byte, number byte, n int) []byte {
	return protowire.AppendVarint(append(out, number<<3|byte(protowire.VarintType)), uint64(n)) //nolint:gosec // statuses and codes
}

// begin begins a message in a field and returns where its content starts.
func begin(out []byte, number byte) ([]byte, int) {
	out = append(out, tag(number), 0)
	return out, len(out)
}

// end writes the length of the message whose content starts there.
func end(out []byte, start int) []byte {
	length := len(out) - start
	if length < 0x80 {
		out[start-1] = byte(length) //nolint:gosec // checked above
		return out
	}
	more := protowire.SizeVarint(uint64(length)) - 1
	out = append(out, make([]byte, more)...)
	copy(out[start+more:], out[start:start+length])
	protowire.AppendVarint(out[:start-1], uint64(length))
	return out
}

// appendHeader replaces all values of a header, in an answer of either kind. Append
// and the action are both said because releases of Envoy differ in what leaving one
// of them out means.
func appendHeader(out []byte, name, value string) []byte {
	out, option := begin(out, answerHeaders)
	out, header := begin(out, optionHeader)
	out = appendText(appendText(out, pairKey, name), pairValue, value)
	out = end(out, header)
	out = appendText(out, optionAppend, "") // a BoolValue that is false
	out = appendNumber(out, optionAction, int(corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD))
	return end(out, option)
}

// appendFact adds an entry to a Struct, unless the value is empty.
func appendFact(out []byte, name, value string) []byte {
	if value == "" {
		return out
	}
	out, entry := begin(out, structFields)
	out = appendText(out, pairKey, name)
	out, fact := begin(out, pairValue)
	return end(end(appendText(out, valueString, value), fact), entry)
}

// Encode writes headers as the fields of an OkHttpResponse. It is for
// [authz.Config].
func Encode(set []authz.Header, remove []string) string {
	out := make([]byte, 0, 1<<10) // has room for those of most tokens
	for _, header := range set {
		out = appendHeader(out, header.Name, header.Value)
	}
	for _, name := range remove {
		out = appendText(out, okRemove, name)
	}
	return string(out)
}

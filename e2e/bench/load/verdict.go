package load

import (
	"errors"
	"fmt"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

var errShape = errors.New("the answer is no CheckResponse")

// allowed reads of a CheckResponse no more than whether it allows: its status
// is missing or its code 0.
func allowed(answer []byte) (bool, error) {
	status, err := field(answer, 1)
	if err != nil {
		return false, err
	}
	for len(status) > 0 {
		number, kind, n := protowire.ConsumeTag(status)
		if n < 0 {
			return false, errShape
		}
		if number == 1 && kind == protowire.VarintType {
			code, n := protowire.ConsumeVarint(status[n:])
			return code == 0, shape(n)
		}
		length := protowire.ConsumeFieldValue(number, kind, status[n:])
		if length < 0 {
			return false, errShape
		}
		status = status[n+length:]
	}
	return true, nil
}

// field returns a message within a message, or nothing.
func field(message []byte, wanted protowire.Number) ([]byte, error) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil, errShape
		}
		if number == wanted && kind == protowire.BytesType {
			value, n := protowire.ConsumeBytes(message[n:])
			return value, shape(n)
		}
		length := protowire.ConsumeFieldValue(number, kind, message[n:])
		if length < 0 {
			return nil, errShape
		}
		message = message[n+length:]
	}
	return nil, nil
}

func shape(n int) error {
	if n < 0 {
		return errShape
	}
	return nil
}

// Answer is a whole answer, for a look before a window.
type Answer struct {
	// Allowed is the verdict, Reason the word in the metadata, if any.
	Allowed bool
	Reason  string
	// Headers is how long its headers are on the wire, in bytes.
	Headers int
}

func parse(answer []byte) (Answer, error) {
	var response authv3.CheckResponse
	if err := proto.Unmarshal(answer, &response); err != nil {
		return Answer{}, fmt.Errorf("%w: %w", errShape, err)
	}
	return Answer{
		Allowed: response.GetStatus().GetCode() == 0,
		Reason:  response.GetDynamicMetadata().GetFields()["reason"].GetStringValue(),
		Headers: proto.Size(response.GetOkResponse()),
	}, nil
}

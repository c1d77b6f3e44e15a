package extauthz

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/kinde-authz/kinde-authz/authz"
)

// mcpFilter is the namespace in which Envoy's own filter says what a message of the
// Model Context Protocol is.
// https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/mcp_filter
const mcpFilter = "envoy.filters.http.mcp"

// addMetadata keeps what a filter says, if it is Envoy's MCP filter. Of two entries
// the last counts, as in any map.
func (c *call) addMetadata() {
	if c.key != mcpFilter {
		return
	}
	c.metadata = append(c.metadata[:0], c.entry...)
	c.request.Metadata = c
}

// MCPMessage implements [authz.MCPMetadata].
func (c *call) MCPMessage() (authz.MCPMessage, bool) {
	said := &structpb.Struct{}
	for _, part := range c.metadata {
		if (proto.UnmarshalOptions{Merge: true}).Unmarshal([]byte(part), said) != nil {
			return authz.MCPMessage{}, false
		}
	}
	return mcpMessage(said)
}

// mcpMessage reads what the filter says. It is nothing where the filter took the
// body for no message, or has not seen all of it.
func mcpMessage(said *structpb.Struct) (m authz.MCPMessage, told bool) {
	fields := said.GetFields()
	isMCP, _ := fields["is_mcp_request"].GetKind().(*structpb.Value_BoolValue)
	method, _ := fields["method"].GetKind().(*structpb.Value_StringValue)
	cut, isCut := fields["is_exceeding_limit"]
	if whole, _ := cut.GetKind().(*structpb.Value_BoolValue); isCut && (whole == nil || whole.BoolValue) {
		return m, false
	}
	if isMCP == nil || !isMCP.BoolValue || method == nil {
		return m, false
	}
	params := fields["params"].GetStructValue().GetFields()
	return authz.MCPMessage{
		Method: method.StringValue, Name: params["name"].GetStringValue(),
		URI: params["uri"].GetStringValue(), TaskID: params["taskId"].GetStringValue(),
	}, true
}

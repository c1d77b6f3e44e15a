package agent

import (
	"context"
	"fmt"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// MCPPath is where the agent serves the Model Context Protocol.
const MCPPath = "/mcp/weather"

// stations serves two tools, one that reads and one that deletes, and says who was
// let through. It keeps no sessions, so that a single request can call a tool.
func stations() http.Handler {
	server := mcp.NewServer(&mcp.Implementation{Name: "weather", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "get_forecast", Description: "The weather of a city."}, getForecast)
	mcp.AddTool(server, &mcp.Tool{Name: "delete_station", Description: "Removes a weather station."}, deleteStation)
	return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{
		Stateless: true, JSONResponse: true,
		DisableLocalhostProtection: true, // Envoy is in front, and hosts are its business
	})
}

type city struct {
	City string `json:"city" jsonschema:"the name of the city"`
}

func getForecast(_ context.Context, call *mcp.CallToolRequest, in city) (*mcp.CallToolResult, any, error) {
	return say("It will be sunny in %s, %s.", in.City, caller(call))
}

type station struct {
	Station string `json:"station" jsonschema:"the name of the station"`
}

func deleteStation(_ context.Context, call *mcp.CallToolRequest, in station) (*mcp.CallToolResult, any, error) {
	return say("The station %s was removed for %s.", in.Station, caller(call))
}

// caller is who called, by the headers that kinde-authz sets.
func caller(call *mcp.CallToolRequest) string {
	header := call.Extra.Header
	if user := header.Get("X-Kinde-User-Id"); user != "" {
		return user
	}
	return header.Get("X-Kinde-Client-Id")
}

func say(format string, args ...any) (*mcp.CallToolResult, any, error) {
	text := &mcp.TextContent{Text: fmt.Sprintf(format, args...)}
	return &mcp.CallToolResult{Content: []mcp.Content{text}}, nil, nil
}

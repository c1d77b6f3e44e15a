package main

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// tools is a server of the Model Context Protocol. It is behind [verifier.require], so
// the headers that a tool reads are those that were signed.
func tools() http.Handler {
	server := mcp.NewServer(&mcp.Implementation{Name: "identity", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "whoami", Description: "Who is calling."}, whoami)
	return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{
		Stateless: true, JSONResponse: true,
		DisableLocalhostProtection: true, // Envoy is in front, and hosts are its business
	})
}

func whoami(_ context.Context, call *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
	told, err := readIdentity(call.Extra.Header)
	if err != nil {
		return nil, nil, err
	}
	text, err := json.Marshal(told)
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: string(text)}}}, nil, err
}

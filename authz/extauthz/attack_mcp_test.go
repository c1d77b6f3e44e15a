package extauthz_test

import (
	"strings"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// toolCall is a message that calls a tool.
func toolCall(name string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + name + `","arguments":{"city":"x"}}}`
}

// stations is a server of the Model Context Protocol behind several routes.
func stations(t *testing.T) (authv3.AuthorizationClient, *kindetest.Issuer) {
	t.Helper()
	server := kindetest.NewServer()
	t.Cleanup(server.Close)
	url := server.Issuer.URL
	tools := []authz.Tool{
		{Name: "get_*"}, {Name: "delete_station", Policy: "delete"}, {Name: "run_*", Policy: "run"},
		{Name: "scoped", Policy: "scoped"}, {Name: "own", Policy: "org"},
	}
	return serveWith(t, kinde.Config{
		Issuers: []kinde.Issuer{{Domain: url, Audience: []string{kindetest.Audience}}},
	}, authz.Config{
		Issuers: map[string]authz.Rules{url: {}},
		Policies: map[string]authz.Policy{
			"default": {}, "openid": {Scopes: []string{"openid", "mcp:use"}},
			"delete": {Permissions: []string{"stations:delete"}}, "run": {Permissions: []string{"agents:run"}},
			"scoped": {Scopes: []string{"stations:write", "openid"}}, "org": {AllowedOrgs: []string{"org_other"}},
		},
		Routes: []authz.Route{
			{Path: "/mcp", MCP: &authz.MCP{Tools: tools}},
			{Path: "/open", MCP: &authz.MCP{Origins: []string{"https://app.example.com"}}},
			{Path: "/scoped", Policy: "openid", MCP: &authz.MCP{Tools: tools}},
			{Path: "/metadata", MCP: &authz.MCP{Tools: tools, EnvoyMetadata: true}},
			{Path: "/plain"},
		},
		Resources: []authz.Resource{{Identifier: "https://api.example.com/mcp"}},
	}), server.Issuer
}

func TestAttackToolsAreThoseThatTheServerRuns(t *testing.T) {
	client, issuer := stations(t)
	token := issuer.Token(issuer.UserClaims())
	post := func(body string) request { return envoytest.Post("/mcp", body).Bearer(token) }
	get, remove := toolCall("get_x"), toolCall("delete_station")
	with := func(name string, values ...string) request {
		r := post(get)
		for _, value := range values {
			r = r.With(name, value)
		}
		return r
	}
	as := func(mediaType string) request {
		r := envoytest.New("POST", "/mcp").With("content-type", mediaType).Bearer(token)
		r.Body = get
		return r
	}
	text, method := post(""), post(get)
	text.Text, method.Method = get, "PUT"
	text = text.With("x-envoy-auth-partial-body", "false")
	for name, row := range map[string]struct {
		request
		want authz.Reason
	}{
		"Y3 a tool that a prefix is for":             {post(get), ""},
		"Y3 a tool whose policy holds":               {post(toolCall("run_agent")), ""},
		"Y3 a tool whose permission the token lacks": {post(remove), authz.MissingPermission},
		"Y3 a notification that calls a tool": {
			post(strings.Replace(remove, `"id":1,`, "", 1)), authz.MissingPermission,
		},
		"Y3 a tool of another organization":          {post(toolCall("own")), authz.OrgNotAllowed},
		"Y3 a tool that nothing is for":              {post(toolCall("sudo")), authz.ToolNotAllowed},
		"Y3 a tool in another case":                  {post(toolCall("Delete_station")), authz.ToolNotAllowed},
		"Y3 a tool with a name that begins the same": {post(toolCall("delete_stations")), authz.ToolNotAllowed},
		"Y3 a tool with an escaped letter":           {post(toolCall(`d\u0065lete_station`)), authz.MissingPermission},
		"Y3 a method with an escaped slash": {
			post(strings.Replace(remove, "tools/call", `tools\/call`, 1)), authz.MissingPermission,
		},
		"Y3 other methods":                {post(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`), ""},
		"Y3 a response":                   {post(`{"jsonrpc":"2.0","id":1,"result":{}}`), ""},
		"Y3 Envoy names the policy":       {post(remove).Policy("run"), authz.MissingPermission},
		"Y3 a stream":                     {envoytest.Get("/mcp").Bearer(token), ""},
		"Y3 the end of a session":         {envoytest.New("DELETE", "/mcp").Bearer(token), ""},
		"Y3 another method of HTTP":       {method, authz.MCPUnreadable},
		"Y3 tools that are not listed":    {envoytest.Post("/open", toolCall("sudo")).Bearer(token), ""},
		"Y3 a route without mcp":          {envoytest.Post("/plain", "[").Bearer(token), ""},
		"Y4 no body":                      {post(""), authz.MCPUnreadable},
		"Y4 a body as text":               {text, authz.MCPUnreadable},
		"Y4 half a body":                  {post(get[:len(get)/2]), authz.MCPUnreadable},
		"Y4 a partial body":               {with("x-envoy-auth-partial-body", "true"), authz.MCPUnreadable},
		"Y4 a partial body, in two words": {with("x-envoy-auth-partial-body", "false", "true"), authz.MCPUnreadable},
		"Y4 a batch":                      {post("[" + get + "]"), authz.MCPUnreadable},
		"Y4 two messages":                 {post(get + remove), authz.MCPUnreadable},
		"Y4 a name twice": {
			post(strings.Replace(get, `"arguments"`, `"name":"delete_station","arguments"`, 1)), authz.MCPUnreadable,
		},
		"Y4 params twice": {
			post(strings.Replace(get, `"id"`, `"params":{"name":"delete_station"},"id"`, 1)), authz.MCPUnreadable,
		},
		"Y4 a name in another case": {
			post(strings.Replace(get, `"arguments"`, `"Name":"delete_station","arguments"`, 1)), authz.MCPUnreadable,
		},
		"Y4 params with a long s": {
			post(strings.Replace(get, `"id"`, `"paramſ":{"name":"delete_station"},"id"`, 1)), authz.MCPUnreadable,
		},
		"Y4 invalid UTF-8": {post(strings.Replace(get, `"x"`, "\"\xff\"", 1)), authz.MCPUnreadable},
		"Y4 nested 10,000 deep": {
			post(strings.Replace(get, `"x"`, strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000), 1)), authz.MCPUnreadable,
		},
		"Y4 more than 128 KiB": {
			post(strings.Replace(get, `"x"`, `"`+strings.Repeat("x", authz.MaxMCPBody)+`"`, 1)), authz.MCPUnreadable,
		},
		"Y4 128 KiB":                        {post(get + strings.Repeat(" ", authz.MaxMCPBody-len(get))), ""},
		"Y5 headers that say the same":      {with("mcp-name", "get_x").With("mcp-method", "tools/call"), ""},
		"Y5 a header with another tool":     {with("mcp-name", "get_y"), authz.MCPUnreadable},
		"Y5 a header with another method":   {with("mcp-method", "tools/list"), authz.MCPUnreadable},
		"Y5 a header twice":                 {with("mcp-name", "get_x", "get_x"), authz.MCPUnreadable},
		"Y5 a header without a body":        {post("").With("mcp-name", "get_x"), authz.MCPUnreadable},
		"Y5 an empty header":                {with("mcp-name", ""), authz.MCPUnreadable},
		"Y7 no token, and no message":       {envoytest.Post("/mcp", "["), authz.MissingToken},
		"Y7 a broken token, and no message": {envoytest.Post("/mcp", "[").Bearer("a"), kinde.MalformedToken},
		"Y9 JSON in UTF-8":                  {as("application/json; charset=utf-8"), ""},
		"Y9 another charset":                {as("application/json; charset=utf-7"), authz.MCPUnreadable},
		"Y9 another type":                   {as("text/plain"), authz.MCPUnreadable},
		"Y9 a type twice":                   {with("content-type", "application/json"), authz.MCPUnreadable},
		"Y9 no type":                        {as(""), authz.MCPUnreadable},
		"Y9 a coding":                       {with("content-encoding", "br"), authz.MCPUnreadable},
		"Y9 a stream, whatever its type":    {envoytest.Get("/mcp").Bearer(token).With("content-type", "text/plain"), ""},
		"Y9 a route without mcp":            {envoytest.Post("/plain", "[").Bearer(token).With("content-encoding", "br"), ""},
		"Y8 no origin":                      {envoytest.Post("/open", get).Bearer(token), ""},
		"Y8 an origin that is listed": {
			envoytest.Post("/open", get).Bearer(token).With("origin", "https://app.example.com"), "",
		},
		"Y8 an origin that is not": {
			envoytest.Post("/open", get).With("origin", "https://evil.example.com"), authz.OriginNotAllowed,
		},
		"Y8 the origin null": {envoytest.Get("/open").With("origin", "null"), authz.OriginNotAllowed},
		"Y8 an origin in another case": {
			envoytest.Get("/open").With("origin", "https://APP.example.com"), authz.OriginNotAllowed,
		},
		"Y8 an origin that begins the same": {
			envoytest.Get("/open").With("origin", "https://app.example.com.evil"), authz.OriginNotAllowed,
		},
		"Y8 two origins": {
			envoytest.Get("/open").With("origin", "https://app.example.com").With("origin", "https://app.example.com"),
			authz.OriginNotAllowed,
		},
		"Y8 an empty origin":                 {envoytest.Get("/open").With("origin", ""), authz.OriginNotAllowed},
		"Y8 any origin where none is listed": {with("origin", "https://evil.example.com"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			answers(t, client, row.request, row.want)
			reason := authz.Allowed
			if row.want != "" {
				reason = row.want
			}
			response, err := client.Check(t.Context(), row.InList())
			if err != nil || response.GetDynamicMetadata().GetFields()["reason"].GetStringValue() != string(reason) {
				t.Errorf("in a list: %v %v", response, err)
			}
		})
	}
}

func TestAttackEnvoysMetadataAreBelievedWhereTheyAreWhole(t *testing.T) {
	client, issuer := stations(t)
	token := issuer.Token(issuer.UserClaims())
	said := func(path string, facts ...any) request {
		r := envoytest.Post(path, "").Bearer(token)
		r.MCP = map[string]any{
			"is_mcp_request": true, "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": map[string]any{"name": "get_x"},
			"status": "mcp_ok",
		}
		for i := 0; i < len(facts); i += 2 {
			r.MCP[facts[i].(string)] = facts[i+1]
			if facts[i+1] == "-" {
				delete(r.MCP, facts[i].(string))
			}
		}
		return r
	}
	call := func(name any) map[string]any { return map[string]any{"name": name} }
	body := func(r request, body string) request { r.Body = body; return r }
	text := func(r request, body string) request { r.Text = body; return r }
	for name, row := range map[string]struct {
		request
		want authz.Reason
	}{
		"Y6 a call of a tool":           {said("/metadata"), ""},
		"Y6 a tool without permission":  {said("/metadata", "params", call("delete_station")), authz.MissingPermission},
		"Y6 a tool that nothing is for": {said("/metadata", "params", call("x")), authz.ToolNotAllowed},
		"Y6 another method":             {said("/metadata", "method", "tools/list", "params", "-"), ""},
		"Y6 not opted in":               {said("/mcp"), authz.MCPUnreadable},
		"Y6 nothing said":               {envoytest.Post("/metadata", "").Bearer(token), authz.MCPUnreadable},
		"Y6 headers alone": {
			envoytest.Post("/metadata", "").Bearer(token).With("mcp-name", "get_x"), authz.MCPUnreadable,
		},
		"Y6 no request of MCP":         {said("/metadata", "is_mcp_request", false), authz.MCPUnreadable},
		"Y6 not said to be one":        {said("/metadata", "is_mcp_request", "-"), authz.MCPUnreadable},
		"Y6 said to be one in words":   {said("/metadata", "is_mcp_request", "true"), authz.MCPUnreadable},
		"Y6 no method":                 {said("/metadata", "method", "-"), authz.MCPUnreadable},
		"Y6 a method that is a number": {said("/metadata", "method", 1), authz.MCPUnreadable},
		"Y6 an empty method":           {said("/metadata", "method", ""), authz.MCPUnreadable},
		"Y6 a tool that is a number":   {said("/metadata", "params", call(1)), authz.MCPUnreadable},
		"Y6 a tool with a space":       {said("/metadata", "params", call("get x")), authz.MCPUnreadable},
		"Y6 no params":                 {said("/metadata", "params", "-"), authz.MCPUnreadable},
		"Y6 over the limit":            {said("/metadata", "is_exceeding_limit", true), authz.MCPUnreadable},
		"Y6 over the limit, in words":  {said("/metadata", "is_exceeding_limit", "false"), authz.MCPUnreadable},
		"Y6 over the limit, null":      {said("/metadata", "is_exceeding_limit", nil), authz.MCPUnreadable},
		"Y6 within the limit":          {said("/metadata", "is_exceeding_limit", false), ""},
		"Y6 a partial body":            {said("/metadata").With("x-envoy-auth-partial-body", "true"), authz.MCPUnreadable},
		"Y6 another header":            {said("/metadata").With("mcp-name", "get_y"), authz.MCPUnreadable},
		"Y6 the body came as text, and says something else": {
			text(said("/metadata"), toolCall("run_x")), authz.MCPUnreadable,
		},
		"Y6 the body came as text":  {text(said("/metadata"), toolCall("get_x")), authz.MCPUnreadable},
		"Y6 the body says the same": {body(said("/metadata"), toolCall("get_x")), ""},
		"Y6 the body says something else": {
			body(said("/metadata"), toolCall("run_x")), authz.MCPUnreadable,
		},
		"Y6 the body has another method": {
			body(said("/metadata"), `{"jsonrpc":"2.0","id":1,"method":"ping"}`), authz.MCPUnreadable,
		},
		"Y6 the body is a response":   {body(said("/metadata"), `{"jsonrpc":"2.0","id":1,"result":{}}`), authz.MCPUnreadable},
		"Y6 the body is no message":   {body(said("/metadata"), "[]"), authz.MCPUnreadable},
		"Y6 a body, and nothing said": {envoytest.Post("/metadata", toolCall("get_x")).Bearer(token), ""},
		"Y6 a body, and metadata that count for nothing": {
			body(said("/mcp", "params", call("get_y")), toolCall("get_x")), "",
		},
	} {
		t.Run(name, func(t *testing.T) { answers(t, client, row.request, row.want) })
	}
}

// A client that lacks scopes is told of all that the call needs, once its message
// can be read.
func TestChallengesNameTheScopesOfTheTool(t *testing.T) {
	client, issuer := stations(t)
	token := func(scopes ...string) string { return issuer.Token(issuer.UserClaims().With("scp", scopes)) }
	const all = "openid mcp:use stations:write"
	for name, row := range map[string]struct {
		body, token string
		reason      authz.Reason
		scope       string
	}{
		"no token":                  {toolCall("scoped"), "", authz.MissingToken, "openid mcp:use"},
		"the route's are missing":   {toolCall("scoped"), token("openid"), authz.InsufficientScope, all},
		"the tool's are missing":    {toolCall("scoped"), token("openid", "mcp:use"), authz.InsufficientScope, all},
		"another tool":              {toolCall("get_x"), token("openid"), authz.InsufficientScope, "openid mcp:use"},
		"a tool that is not listed": {toolCall("x"), token("openid"), authz.InsufficientScope, "openid mcp:use"},
		"no message":                {"[", token("openid"), authz.InsufficientScope, "openid mcp:use"},
		"all are there":             {toolCall("scoped"), token("openid", "mcp:use", "stations:write"), "", ""},
		"a permission is missing":   {toolCall("delete_station"), token("openid", "mcp:use"), authz.MissingPermission, ""},
	} {
		request := envoytest.Post("/scoped", row.body)
		if row.token != "" {
			request = request.Bearer(row.token)
		}
		_, scope, _ := strings.Cut(challengeOf(answers(t, client, request, row.reason)), `scope="`)
		if scope, _, _ = strings.Cut(scope, `"`); scope != row.scope {
			t.Errorf("%s: got %q, want %q", name, scope, row.scope)
		}
	}
}

// Metadata for Envoy say what was called, and whose policy denied.
func TestMetadataSayWhatWasCalled(t *testing.T) {
	client, issuer := stations(t)
	token := issuer.Token(issuer.UserClaims())
	for body, want := range map[string][3]string{ // reason, policy, method and tool
		toolCall("get_x"):          {"allowed", "default", "tools/call get_x"},
		toolCall("run_x"):          {"allowed", "default", "tools/call run_x"},
		toolCall("delete_station"): {"missing_permission", "delete", "tools/call delete_station"},
		toolCall("x"):              {"tool_not_allowed", "default", "tools/call x"},
		`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"name":"x"}}`: {"allowed", "default", "tools/list "},
		`{"jsonrpc":"2.0","id":1,"result":{}}`:                                 {"allowed", "default", " "},
		"[]":                                                                   {"mcp_unreadable", "default", " "},
	} {
		response, err := client.Check(t.Context(), envoytest.Post("/mcp", body).Bearer(token).InMap())
		if err != nil {
			t.Fatal(err)
		}
		fields := response.GetDynamicMetadata().GetFields()
		said := func(name string) string { return fields[name].GetStringValue() }
		got := [3]string{said("reason"), said("policy"), said("mcp_method") + " " + said("mcp_tool")}
		if got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

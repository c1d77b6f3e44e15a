package settings

import (
	"bytes"
	"encoding/json"
	"flag"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/kinde-authz/kinde-authz/internal/schematest"
)

const schemaFile = "../../../docs/settings.schema.json"

var update = flag.Bool("update", false, "write docs/settings.schema.json anew")

// schemaOf makes the schema of the settings file from the types that read it.
func schemaOf(t reflect.Type) *jsonschema.Schema {
	reflector := &jsonschema.Reflector{
		FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, Anonymous: true, DoNotReference: true, Mapper: leafSchema,
	}
	return reflector.ReflectFromType(t)
}

// leafSchema is the schema of a type that reads itself.
func leafSchema(t reflect.Type) *jsonschema.Schema {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	value := reflect.New(t).Interface()
	one := uint64(1)
	switch value.(type) {
	case *text:
		return &jsonschema.Schema{Type: "string", MinLength: &one}
	case *truth:
		return &jsonschema.Schema{Type: "boolean"}
	case *duration, *period:
		return &jsonschema.Schema{
			Type:    "string",
			Pattern: `^(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))*$`,
		}
	case *count:
		return &jsonschema.Schema{Type: "integer", Minimum: "0", Maximum: json.Number(strconv.Itoa(maxCount))}
	case *bound:
		return &jsonschema.Schema{
			Type: "integer", Minimum: json.Number(strconv.Itoa(minBound)), Maximum: json.Number(strconv.Itoa(maxBound)),
		}
	case *share:
		return &jsonschema.Schema{Type: "number", Minimum: "0", Maximum: "1"}
	case *flagValue:
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "boolean"}, {Type: "string"}, {Type: "integer"}}}
	default:
		return nil
	}
}

// wantSettings makes the schema refuse every empty mapping, but for the file
// itself and for a policy that wants nothing.
func wantSettings(schema *jsonschema.Schema) {
	one := uint64(1)
	for at := schema.Properties.Oldest(); at != nil; at = at.Next() {
		if at.Value.Type == "object" {
			at.Value.MinProperties = &one
		}
		if at.Value.Properties != nil {
			wantSettings(at.Value)
		}
		if at.Key == "policies" {
			flags, _ := at.Value.AdditionalProperties.Properties.Get("feature_flags")
			flags.MinProperties = &one
		}
	}
}

func TestSchemaIsThatOfTheTypes(t *testing.T) {
	schema := schemaOf(reflect.TypeFor[file]())
	schema.Title = "Settings of kinde-authz"
	wantSettings(schema)
	headers, _ := schema.Properties.Get("headers")
	claims, _ := headers.Properties.Get("claims")
	claims.PropertyNames = &jsonschema.Schema{Pattern: "^x-kinde-[a-z0-9]([a-z0-9-]*[a-z0-9])?$"}
	schematest.Compare(t, schemaFile, schema, *update)
}

// settingsFiles are files and whether they are right. Those marked beyond are
// wrong in a way that no schema can say: what two settings say together, or the
// form of a word.
var settingsFiles = []struct {
	name, content string
	right, beyond bool
}{
	{"nothing", "# nothing\n", true, false},
	{"one issuer", "issuers: [{domain: https://a.kinde.com}]", true, false},
	{"slashes after the domain", "issuers: [{domain: https://a.kinde.com//}]", true, false},
	{
		"a whole issuer",
		"issuers: [{domain: https://a.kinde.com, audience: [a], allowed_orgs: [org_a], " +
			"actors: [user, system], jwks_file: /k}]",
		true, false,
	},
	{"no domain", "issuers: [{audience: [a]}]", false, false},
	{"no issuers", "issuers: []", false, false},
	{"issuers as a mapping", "issuers: {domain: https://a.kinde.com}", false, false},
	{"null issuers", "issuers:", false, false},
	{"domain with a path", "issuers: [{domain: https://a.kinde.com/x}]", false, false},
	{"domain without a scheme", "issuers: [{domain: a.kinde.com}]", false, false},
	{"domain in capitals", "issuers: [{domain: https://A.kinde.com}]", false, false},
	{"http", "issuers: [{domain: 'http://a.kinde.com'}]", false, true},
	{"http allowed", "issuers: [{domain: 'http://a.kinde.com'}]\ninsecure_http: true", true, false},
	{"the same issuer twice", "issuers: [{domain: https://a.kinde.com}, {domain: https://a.kinde.com/}]", false, true},
	{"empty audience", "issuers: [{domain: https://a.kinde.com, audience: []}]", false, false},
	{"empty string in a list", "issuers: [{domain: https://a.kinde.com, audience: ['']}]", false, false},
	{"audience as a string", "issuers: [{domain: https://a.kinde.com, audience: a}]", false, false},
	{"an organization that is a number", "issuers: [{domain: https://a.kinde.com, allowed_orgs: [123]}]", false, false},
	{"an invalid organization code", "issuers: [{domain: https://a.kinde.com, allowed_orgs: [org a]}]", false, true},
	{"unknown actor", "issuers: [{domain: https://a.kinde.com, actors: [robot]}]", false, false},
	{"unknown setting", "nope: 1", false, false},
	{"unknown setting of an issuer", "issuers: [{domain: https://a.kinde.com, orgs: [a]}]", false, false},
	{"unknown setting of a policy", "policies: {a: {permission: [x]}}", false, false},
	{"unknown setting of a route", "routes: [{path: /a, method: GET}]", false, false},
	{"capitals", "Issuers: [{domain: https://a.kinde.com}]", false, false},
	{"the same setting twice", "leeway: 1s\nleeway: 1s", false, true},
	{"empty policy", "policies: {default: {}}", true, false},
	{"null policy", "policies: {default: }", false, false},
	{"an empty mapping", "{}", true, false},
	{"no policies", "policies: {}", false, false},
	{
		"a whole policy",
		"policies: {p: {actors: [user], allowed_orgs: [a], allow_without_org: true, scopes: [a:b], " +
			"permissions: [a:b], roles: [a], feature_flags: {a: true, b: x, c: 5, d: -1}, shadow: true}}",
		true, false,
	},
	{"empty scopes", "policies: {p: {scopes: []}}", false, false},
	{"a scope with a space", "policies: {p: {scopes: [a b]}}", false, true},
	{"empty flags", "policies: {p: {feature_flags: {}}}", false, false},
	{"a flag that is a fraction", "policies: {p: {feature_flags: {a: 1.5}}}", false, false},
	{"a flag that is a list", "policies: {p: {feature_flags: {a: [true]}}}", false, false},
	{"a flag that is null", "policies: {p: {feature_flags: {a: null}}}", false, false},
	{"allow_without_org as a string", "policies: {p: {allow_without_org: 'yes'}}", false, false},
	{"shadow as a word", "policies: {p: {shadow: log}}", false, false},
	{"allow_without_org as YAML 1.1 had it", "policies: {p: {allow_without_org: yes}}", false, false},
	{"a path for a route", "routes: [/a]", false, false},
	{"TLS without a key", "tls: {cert: a.pem}", false, true},
	{
		"routes",
		"policies: {p: {}, default: {}}\nroutes: [{path: /a, public: true}, " +
			"{path: '/b/{x}/**', methods: [GET, POST], policy: p}, {path: /c}, {path: /d, policy: default}]",
		true, false,
	},
	{"no routes", "routes: []", false, false},
	{"an assertion", "assertion: {key_file: /k, audience: https://a}", true, false},
	{"a whole assertion", "assertion: {key_file: /k, audience: https://a, issuer: me, lifetime: 5m}", true, false},
	{"an assertion without a key", "assertion: {audience: https://a}", false, false},
	{"an assertion without an audience", "assertion: {key_file: /k}", false, false},
	{"an empty assertion", "assertion: {}", false, false},
	{"a null assertion", "assertion:", false, false},
	{"an assertion that is a path", "assertion: /k", false, false},
	{"an audience that is a list", "assertion: {key_file: /k, audience: [https://a]}", false, false},
	{"an audience with a space", "assertion: {key_file: /k, audience: a b}", false, false},
	{"an empty issuer of assertions", "assertion: {key_file: /k, audience: a, issuer: ''}", false, false},
	{"assertions that last too long", "assertion: {key_file: /k, audience: a, lifetime: 301s}", false, true},
	{"assertions that end too early", "assertion: {key_file: /k, audience: a, lifetime: 9s}", false, true},
	{"a lifetime without a unit", "assertion: {key_file: /k, audience: a, lifetime: 60}", false, false},
	{"an unknown setting of the assertion", "assertion: {keyfile: /k, audience: a}", false, false},
	{"mcp", "policies: {p: {}}\nroutes: [{path: /a, policy: p, mcp: {tools: [{name: 'get_*', policy: p}, {name: x}, " +
		"{name: '*'}], origins: ['https://a.example.com', 'http://localhost:6274', 'vscode-webview://x'], " +
		"envoy_metadata: true}}, {path: /b, mcp: {}}]", true, false},
	{"mcp as a truth", "routes: [{path: /a, mcp: true}]", false, false},
	{"mcp on a public route", "routes: [{path: /a, public: true, mcp: {}}]", false, true},
	{"mcp on a route that denies", "routes: [{path: /a, deny: true, mcp: {}}]", false, true},
	{"no tools", "routes: [{path: /a, mcp: {tools: []}}]", false, false},
	{"a tool without a name", "policies: {p: {}}\nroutes: [{path: /a, mcp: {tools: [{policy: p}]}}]", false, false},
	{"a tool with * inside", "routes: [{path: /a, mcp: {tools: [{name: 'a*b'}]}}]", false, false},
	{"a tool with two *", "routes: [{path: /a, mcp: {tools: [{name: 'a**'}]}}]", false, false},
	{"a tool with a space", "routes: [{path: /a, mcp: {tools: [{name: 'a b'}]}}]", false, false},
	{"a tool with an unknown policy", "routes: [{path: /a, mcp: {tools: [{name: a, policy: p}]}}]", false, true},
	{"a tool with a default that is not defined", "routes: [{path: /a, mcp: {tools: [{name: a, policy: default}]}}]",
		false, true},
	{"tools as names", "routes: [{path: /a, mcp: {tools: [a]}}]", false, false},
	{"no origins", "routes: [{path: /a, mcp: {origins: []}}]", false, false},
	{"any origin", "routes: [{path: /a, mcp: {origins: ['*']}}]", false, false},
	{"the origin null", "routes: [{path: /a, mcp: {origins: ['null']}}]", false, false},
	{"an origin with a path", "routes: [{path: /a, mcp: {origins: ['https://a.example.com/']}}]", false, false},
	{"an origin with capitals", "routes: [{path: /a, mcp: {origins: ['https://A.example.com']}}]", false, false},
	{"an origin with a port that browsers leave out",
		"routes: [{path: /a, mcp: {origins: ['https://a.example.com:443']}}]",
		false, true},
	{"a route without a path", "routes: [{policy: default}]", false, false},
	{"a path without a slash", "routes: [{path: a}]", false, false},
	{"a path with ** inside", "routes: [{path: /**/a}]", false, true},
	{"a route with an unknown policy", "routes: [{path: /a, policy: p}]", false, true},
	{
		"a public route with a policy",
		"policies: {default: {}}\nroutes: [{path: /a, policy: default, public: true}]",
		false, true,
	},
	{
		"a route that denies",
		"routes: [{path: /a, deny: true}, {path: /b, methods: [GET], deny: true}, {path: /c, deny: false, public: true}]",
		true, false,
	},
	{"a route that denies, with a policy", "policies: {p: {}}\nroutes: [{path: /a, policy: p, deny: true}]", false, true},
	{"a route that denies and is public", "routes: [{path: /a, public: true, deny: true}]", false, true},
	{"deny as a word", "routes: [{path: /a, deny: 'yes'}]", false, false},
	{"default that is not defined", "routes: [{path: /a, policy: default}]", false, true},
	{"default that is defined", "policies: {default: {}}\nroutes: [{path: /a, policy: default}]", true, false},
	{"a public route that binds", "routes: [{path: '/{org_code}', public: true}]", false, true},
	{"a method in lower case", "routes: [{path: /a, methods: [get]}]", false, false},
	{"no methods", "routes: [{path: /a, methods: []}]", false, false},
	{"public as a number", "routes: [{path: /a, public: 1}]", false, false},
	{"times", "leeway: 0s\njwks: {refresh: 1m30s, max_stale: 1.5h, timeout: 500ms}\ndrain_delay: 0s", true, false},
	{"a time without a unit", "leeway: 30", false, false},
	{"a time that is no time", "leeway: soon", false, false},
	{"a negative time", "leeway: -1s", false, false},
	{"a leeway that is too long", "leeway: 6m", false, true},
	{"refresh above max_stale", "jwks: {refresh: 2h, max_stale: 1h}", false, true},
	{"no timeout", "jwks: {timeout: 0s}", false, true},
	{"cache", "token_cache: {entries: 0}", true, false},
	{"cache that no machine has room for", "token_cache: {entries: 100000001}", false, false},
	{"negative cache", "token_cache: {entries: -1}", false, false},
	{"fractional cache", "token_cache: {entries: 1.5}", false, false},
	{"cache as a number", "token_cache: 5", false, false},
	{"empty cache", "token_cache: {}", false, false},
	{"resources", "resources: [{identifier: https://api.example.com, scopes: [a:b]}, " +
		"{identifier: https://api.example.com/a, audience: [a], name: A, documentation: https://d.example}]", true, false},
	{"a resource without an identifier", "resources: [{scopes: [a]}]", false, false},
	{"a resource that is no address", "resources: [{identifier: api}]", false, true},
	{"a resource for no audience", "resources: [{identifier: https://api.example.com, audience: []}]", false, false},
	{"a resource with documentation that is no address",
		"resources: [{identifier: https://api.example.com, documentation: docs}]", false, false},
	{"two resources of one path",
		"resources: [{identifier: https://a.example.com/x}, {identifier: https://b.example.com/x/}]", false, true},
	{"no resources", "resources: []", false, false},
	{"one resource, not a list", "resources: {identifier: https://api.example.com}", false, false},
	{"log", "log: {level: debug, sample_allows: 0.25}", true, false},
	{"log all", "log: {sample_allows: 1}", true, false},
	{"log too many", "log: {sample_allows: 1.1}", false, false},
	{"log fewer than none", "log: {sample_allows: -0.1}", false, false},
	{"log as a string", "log: {sample_allows: all}", false, false},
	{"unknown level", "log: {level: loud}", false, false},
	{"claims", "headers: {claims: {x-kinde-email: email}, forward_authorization: false}", true, false},
	{"a claim for another's header", "headers: {claims: {x-forwarded-for: email}}", false, false},
	{"a claim for the service's own header", "headers: {claims: {x-kinde-actor: email}}", false, true},
	{"a claim that is no string", "headers: {claims: {x-kinde-email: 1}}", false, false},
	{"tls", "tls: {cert: c, key: k, client_ca: a}", true, false},
	{"tls without a key", "tls: {cert: c}", false, true},
	{
		"names of clients",
		"tls: {cert: c, key: k, client_ca: a, client_names: [envoy.example.com, 'spiffe://example.com/ns/a/sa/b']}",
		true, false,
	},
	{"no names of clients", "tls: {cert: c, key: k, client_ca: a, client_names: []}", false, false},
	{"names of clients without an authority", "tls: {cert: c, key: k, client_names: [envoy]}", false, true},
	{"names of clients without TLS", "tls: {client_names: [envoy]}", false, true},
	{"a wildcard for clients", "tls: {cert: c, key: k, client_ca: a, client_names: ['*.example.com']}", false, false},
	{"an address for a client", "tls: {cert: c, key: k, client_ca: a, client_names: [10.0.0.1]}", false, true},
	{"a URI without a host", "tls: {cert: c, key: k, client_ca: a, client_names: ['spiffe:///envoy']}", false, true},
	{"a URI in another form", "tls: {cert: c, key: k, client_ca: a, client_names: ['SPIFFE://a/b']}", false, true},
	{"a port in a name", "tls: {cert: c, key: k, client_ca: a, client_names: ['envoy:443']}", false, true},
	{"an address of mail", "tls: {cert: c, key: k, client_ca: a, client_names: [a@example.com]}", false, true},
	{"limits", "limits: {connections: 8, in_flight_mib: 1000000}", true, false},
	{"no limits", "limits: {}", false, false},
	{"no connections", "limits: {connections: 0}", false, false},
	{"a limit that is too low", "limits: {in_flight_mib: 7}", false, false},
	{"a limit that is none", "limits: {connections: 1000001}", false, false},
	{"a limit with a unit", "limits: {in_flight_mib: 512MiB}", false, false},
	{"pprof", "pprof: true", true, false},
	{"pprof as a word", "pprof: 'on'", false, false},
	{"addresses", "listen: unix:/run/a.sock\nadmin_listen: :9192", true, false},
	{"an address that is a number", "listen: 9191", false, false},
	{"a list", "- 1", false, false},
	{"a word", "word", false, false},
}

// load reads and builds a file that is named f.yaml, as validate does.
func load(content string) error {
	s, _, err := (&Flags{Decision: Decision{Config: "f.yaml"}}).ParseAlone([]byte(content))
	if err == nil {
		_, _, err = s.Build(nil)
	}
	return err
}

func TestSchemaAgreesWithTheLoader(t *testing.T) {
	compiler := validator.NewCompiler()
	schema, err := compiler.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range settingsFiles {
		t.Run(row.name, func(t *testing.T) {
			err := load(row.content)
			if (err == nil) != row.right {
				t.Errorf("the loader: %v, want right: %t", err, row.right)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "f.yaml: [") {
				t.Errorf("the loader does not say where: %v", err)
			}
			if err := schema.Validate(asJSON(t, row.content)); (err == nil) != (row.right || row.beyond) {
				t.Errorf("the schema: %v, want right: %t", err, row.right || row.beyond)
			}
		})
	}
}

// asJSON is what an editor checks: YAML as JSON, the last of a name counting.
func asJSON(t *testing.T, content string) any {
	t.Helper()
	var tree yaml.Node
	if err := yaml.Unmarshal([]byte(content), &tree); err != nil || len(tree.Content) == 0 {
		return map[string]any{}
	}
	text, err := json.Marshal(plainValue(t, tree.Content[0]))
	if err != nil {
		t.Fatal(err)
	}
	value, err := validator.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func plainValue(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plainValue(t, n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, plainValue(t, item))
		}
		return list
	default:
		var v any
		if err := n.Decode(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
}

package policytest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"

	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/kinde-authz/kinde-authz/internal/schematest"
)

const schemaFile = "../../../docs/tests.schema.json"

var update = flag.Bool("update", false, "write docs/tests.schema.json anew")

// leafSchema is the schema of a type that reads itself.
func leafSchema(t reflect.Type) *jsonschema.Schema {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	one := uint64(1)
	enum := func(list []string) *jsonschema.Schema {
		schema := &jsonschema.Schema{Type: "string"}
		for _, word := range list {
			schema.Enum = append(schema.Enum, word)
		}
		return schema
	}
	switch reflect.New(t).Interface().(type) {
	case *text:
		return &jsonschema.Schema{Type: "string", MinLength: &one}
	case *words:
		return &jsonschema.Schema{Type: "string"}
	case *offset:
		return &jsonschema.Schema{Type: "string", Pattern: `^[+-]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))+)$`}
	case *status:
		return &jsonschema.Schema{Type: "integer", Minimum: "200", Maximum: "599"}
	case *effect:
		return enum(effects)
	case *reason:
		return enum(reasons())
	case *claims:
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "object"}, {Type: "null"}}}
	default:
		return nil
	}
}

func TestSchemaIsThatOfTheTypes(t *testing.T) {
	reflector := &jsonschema.Reflector{
		FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, Anonymous: true, DoNotReference: true, Mapper: leafSchema,
	}
	schema := reflector.ReflectFromType(reflect.TypeFor[file]())
	schema.Title = "Tests of policies of kinde-authz"
	wantSomething(schema)
	schematest.Compare(t, schemaFile, schema, *update)
}

// wantSomething makes the schema refuse every empty mapping.
func wantSomething(schema *jsonschema.Schema) {
	one := uint64(1)
	for at := schema.Properties.Oldest(); at != nil; at = at.Next() {
		if at.Value.Type == "object" {
			at.Value.MinProperties = &one
		}
		if at.Value.Items != nil {
			wantSomething(at.Value.Items)
		}
		if at.Value.Properties != nil {
			wantSomething(at.Value)
		}
	}
}

const (
	head = "settings: s.yaml\ntests: [{name: a, "
	tail = ", want: {reason: allowed}}]"
)

// files are those of cases, and how the message begins that refuses them; none for a
// right one. Those marked beyond are wrong in a way that the schema does not say.
var files = []struct {
	name, content, refused string
	beyond                 bool
}{
	{"a case", head + "request: {path: /a}" + tail, "", false},
	{"no cases", "settings: s.yaml", "", false},
	{"everything", head + "request: {method: POST, path: /a, headers: {x-a: b}, policy: p, body: ''}, " +
		"token: {sub: kp_1, iat: 5, exp: 1e3, x: {y: [true, null]}, jti: null}, at: -1h5m, " +
		"want: {decision: deny, reason: no_route, status: 403, policy: p, headers: {Content-Type: a}, " +
		"absent: [x-kinde-actor, authorization]}}]", "", false},
	{"no token", head + "request: {path: /a}, token: null" + tail, "", false},
	{"a token with nothing of its own", head + "request: {path: /a}, token: {}" + tail, "", false},

	{"nothing", "# nothing", "[1:1] settings is required", false},
	{"no settings", "tests: [{name: a, request: {path: /a}, want: {status: 200}}]", "[1:1] settings is required", false},
	{"settings that are not there", "settings: nobody.yaml", "[1:11] settings: open DIR/nobody.yaml: no such file", true},
	{"settings that are wrong", "settings: wrong.yaml", "DIR/wrong.yaml: [1:1] nope: unknown setting", true},
	{"settings that cannot be built", "settings: policy.yaml",
		`DIR/policy.yaml: [1:29] policy: no policy is named "p"`, true},
	{"an empty list", "settings: s.yaml\ntests: []", "[2:8] tests: the list is empty", false},
	{"a misspelled setting", "setting: s.yaml", `[1:1] setting: unknown setting: did you mean "settings"?`, false},
	{"a misspelled member", head + "request: {paht: /a}" + tail,
		`[2:29] paht: unknown setting: did you mean "path"?`, false},
	{"no name", "settings: s.yaml\ntests: [{request: {path: /a}, want: {status: 200}}]", "[2:9] name is required", false},
	{"a name of two lines", "settings: s.yaml\ntests: [{name: \"a\\nb\", request: {path: /a}, want: {status: 200}}]",
		"[2:9] name: want one line", true},
	{"a name that a terminal would obey", "settings: s.yaml\ntests: [{name: \"\\x1b[31m\", request: {path: /a}, " +
		"want: {status: 200}}]", "[2:9] name: want one line", true},
	{"no request", head[:len(head)-2] + tail, "[2:9] request is required", false},
	{"no path", head + "request: {method: GET}" + tail, "[2:28] path is required", false},
	{"no want", head + "request: {path: /a}}]", "[2:9] want is required", false},
	{"nothing wanted", head + "request: {path: /a}, want: {}}]", "[2:46] want: the setting is empty", false},
	{"an unknown reason", head + "request: {path: /a}, want: {reason: no_rout}}]",
		`[2:55] reason: "no_rout": did you mean "no_route"?`, false},
	{"an unknown decision", head + "request: {path: /a}, want: {decision: denied}}]",
		`[2:57] decision: "denied": want one of allow, deny`, false},
	{"a status as a text", head + "request: {path: /a}, want: {status: '403'}}]",
		"[2:55] status: want an HTTP status", false},
	{"a status that is none", head + "request: {path: /a}, want: {status: 42}}]",
		"[2:55] status: want an HTTP status", false},
	{"a time without a unit", head + "request: {path: /a}, at: 60" + tail, `[2:44] at: "60": want a duration`, false},
	{"claims as a list", head + "request: {path: /a}, token: [sub]" + tail, "[2:47] token: want claims", false},
	{"a claim twice", head + "request: {path: /a}, token: {a: 1, a: 2}" + tail, "[2:54] token: a is set twice", true},
	{"a claim that no JSON can hold", head + "request: {path: /a}, token: {a: .nan}" + tail,
		"[2:51] token: .nan: JSON has", true},
	{"an alias in a claim", head + "request: {path: /a}, token: {a: &x 1}" + tail, "[2:51] token: anchors", true},
	{"the token as a header", head + "request: {path: /a, headers: {Authorization: x}}" + tail,
		"[2:49] Authorization: the token is sent in it", true},
	{"the token wanted", head + "request: {path: /a}, want: {headers: {authorization: x}}}]",
		"[2:57] authorization: its value is a token of this run", true},
	{"the assertion wanted", head + "request: {path: /a}, want: {headers: {x-kinde-assertion: x}}}]",
		"[2:57] x-kinde-assertion: there is no assertion in a test", true},
	{"the assertion absent", head + "request: {path: /a}, want: {absent: [X-Kinde-Assertion]}}]",
		"[2:56] X-Kinde-Assertion: there is no assertion in a test", true},
	{"a header twice", head + "request: {path: /a, headers: {x-a: b, X-A: c}}" + tail,
		"[2:57] X-A: it is there twice", true},
	{"a header that is none", head + "request: {path: /a, headers: {':path': b}}" + tail,
		"[2:49] :path: want the name", true},
	{"two documents", "settings: s.yaml\n---\nsettings: s.yaml", "the file has more than one YAML document", true},
	{"bad YAML", "settings: [", "[2:1] a value or a closing bracket is missing", true},
}

func TestWrongFilesAreRefused(t *testing.T) {
	schema, err := validator.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range files {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range map[string]string{
				"s.yaml": "leeway: 1s", "wrong.yaml": "nope: 1", "policy.yaml": "routes: [{path: /a, policy: p}]",
				"t.yaml": row.content,
			} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Run(t.Context(), []string{filepath.Join(dir, "t.yaml")})
			want := regexp.MustCompile(`^((DIR/t.yaml: )?` + regexp.QuoteMeta(row.refused) + ")")
			got := ""
			if err != nil {
				got = string(bytes.ReplaceAll([]byte(err.Error()), []byte(dir), []byte("DIR")))
			}
			if (err != nil) != (row.refused != "") || !want.MatchString(got) {
				t.Errorf("got  %s\nwant %s", got, row.refused)
			}
			if row.beyond {
				return
			}
			if err := schema.Validate(asJSON(t, row.content)); (err == nil) != (row.refused == "") {
				t.Errorf("the schema: %v", err)
			}
		})
	}
}

// asJSON is what an editor checks: YAML as JSON.
func asJSON(t *testing.T, content string) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(content), &value); err != nil {
		t.Fatal(err)
	}
	if value == nil {
		value = map[string]any{}
	}
	out, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := validator.UnmarshalJSON(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

package deploy

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// What cannot work is refused, and the message names the value.
func TestWrongValuesAreRefused(t *testing.T) {
	for values, says := range map[string]string{
		"": "no issuer: set domain, like https://yourapp.kinde.com, or settings.issuers",

		"audience: [https://a]":                        "no issuer",
		"domain: yourapp.kinde.com":                    "at '/domain': 'yourapp.kinde.com' does not match pattern",
		"audience: https://a":                          "at '/audience': got string, want array",
		"allowedOrgs: ['']":                            "at '/allowedOrgs/0'",
		"domian: https://yourapp.kinde.com":            "additional properties 'domian' not allowed",
		"image: {tag: 1.2}":                            "at '/image/tag': got number, want string",
		"image: {digest: abc}":                         "at '/image/digest'",
		"image: {pullPolicy: Sometimes}":               "at '/image/pullPolicy'",
		"replicas: 0":                                  "at '/replicas': minimum: got 0, want 1",
		"autoscaling: {minReplicas: two}":              "at '/autoscaling/minReplicas': got string, want integer",
		"autoscaling: {targetCPU: 70}":                 "at '/autoscaling': additional properties 'targetCPU' not allowed",
		"drainDelaySeconds: 10s":                       "at '/drainDelaySeconds': got string, want integer",
		"networkPolicy: {clients: []}":                 "at '/networkPolicy/clients': minItems: got 0, want 1",
		"networkPolicy: {clients: [{labels: {}}]}":     "at '/networkPolicy/clients/0'",
		"mtls: {enabled: 'yes'}":                       "at '/mtls/enabled': got string, want boolean",
		"serviceMonitor: {interval: 30}":               "at '/serviceMonitor/interval'",
		"podLabels: {a: 1}":                            "at '/podLabels/a': got number, want string",
		"extraEnv: [{value: a}]":                       "at '/extraEnv/0': missing property 'name'",
		"settings: {policies: {default: {scope: []}}}": "at '/settings/policies/default': additional properties 'scope'",
		"settings: {leeway: 30}":                       "at '/settings/leeway': got number, want string",
		"settings: {listen: ':9000'}":                  "at '/settings': additional properties 'listen' not allowed",
		"settings: {drain_delay: 1s}":                  "at '/settings': additional properties 'drain_delay' not allowed",

		least + "settings: {issuers: [{domain: https://a}]}":        "domain and settings.issuers both name issuers",
		"audience: [a]\nsettings: {issuers: [{domain: https://a}]}": "audience and allowedOrgs belong to domain",
		least + "autoscaling: {minReplicas: 5, maxReplicas: 3}":     "minReplicas is 5, above autoscaling.maxReplicas, 3",
	} {
		_, err := rendered(t, "kinde-authz", values)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: got %v, want %q", values, err, says)
		}
	}
}

const schemaFile = "deploy/helm/kinde-authz/values.schema.json"

// owned are the settings that the chart's other values decide.
var owned = []string{"listen", "admin_listen", "tls", "drain_delay"}

// The schema describes each value as values.yaml does, and the settings as
// docs/settings.schema.json.
func TestSchemaIsInStep(t *testing.T) {
	var schema, settings map[string]any
	for path, into := range map[string]*map[string]any{schemaFile: &schema, "docs/settings.schema.json": &settings} {
		if err := json.Unmarshal([]byte(read(t, path)), into); err != nil {
			t.Fatal(err)
		}
	}
	delete(settings, "$schema")
	delete(settings, "title")
	for _, name := range owned {
		properties := settings["properties"].(map[string]any)
		if properties[name] == nil {
			t.Errorf("there is no setting %s", name)
		}
		delete(properties, name)
	}
	schema["properties"].(map[string]any)["settings"] = settings
	var described []string
	for _, v := range values(t) {
		at := schema
		for key := range strings.SplitSeq(v.path, ".") {
			properties, _ := at["properties"].(map[string]any)
			if at, _ = properties[key].(map[string]any); at == nil {
				t.Fatalf("%s: no schema for %s", schemaFile, v.path)
			}
		}
		at["description"] = v.comment
		described = append(described, v.path)
	}
	want, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	made(t, schemaFile, string(want)+"\n")
	got := slices.Sorted(slices.Values(leaves("", schema)))
	if diff := gocmp.Diff(slices.Sorted(slices.Values(described)), got); diff != "" {
		t.Errorf("(-values.yaml +%s):\n%s", schemaFile, diff)
	}
}

// leaves are the values that a schema describes.
func leaves(prefix string, schema map[string]any) (all []string) {
	for name, property := range schema["properties"].(map[string]any) {
		property := property.(map[string]any)
		switch {
		case prefix+name == "global": // Helm's own
		case property["description"] == nil:
			all = append(all, leaves(prefix+name+".", property)...)
		default:
			all = append(all, prefix+name)
		}
	}
	return all
}

package deploy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// value is a value of the chart: one that values.yaml has a comment for.
type value struct {
	path, comment string
	node          *yaml.Node
}

// values are those of values.yaml, in its order.
func values(t *testing.T) []value {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(read(t, "deploy/helm/kinde-authz/values.yaml")), &document); err != nil {
		t.Fatal(err)
	}
	return valuesIn(t, "", document.Content[0])
}

func valuesIn(t *testing.T, prefix string, mapping *yaml.Node) (all []value) {
	t.Helper()
	for i := 0; i < len(mapping.Content); i += 2 {
		key, node := mapping.Content[i], mapping.Content[i+1]
		path := prefix + key.Value
		switch {
		case key.HeadComment != "":
			comment := strings.ReplaceAll(strings.TrimPrefix(key.HeadComment, "# "), "\n# ", " ")
			all = append(all, value{path, comment, node})
		case node.Kind == yaml.MappingNode:
			all = append(all, valuesIn(t, path+".", node)...)
		default:
			t.Errorf("values.yaml: %s has no comment", path)
		}
	}
	return all
}

// other is another value for each, and what must stand in the manifests then that did not.
var other = map[string]struct{ value, makes string }{
	"domain":                  {"https://account.example.com", "account.example.com"},
	"audience":                {"[https://api.example.com]", "- https://api.example.com"},
	"allowedOrgs":             {"[org_1]", "- org_1"},
	"settings":                {"{leeway: 10s}", "leeway: 10s"},
	"image.repository":        {"registry.example.com/authz", "image: registry.example.com/authz:"},
	"image.tag":               {"1.2.3", ":1.2.3"},
	"image.digest":            {"sha256:" + strings.Repeat("0a", 32), "@sha256:0a"},
	"image.pullPolicy":        {"Always", "imagePullPolicy: Always"},
	"imagePullSecrets":        {"[{name: registry}]", "- name: registry"},
	"fullnameOverride":        {"edge", "name: edge"},
	"replicas":                {"4", "replicas: 4"},
	"autoscaling.enabled":     {"false", "replicas: 2"},
	"autoscaling.minReplicas": {"3", "minReplicas: 3"},
	"autoscaling.maxReplicas": {"30", "maxReplicas: 30"},
	"autoscaling.targetCPUUtilizationPercentage": {"50", "averageUtilization: 50"},
	"podDisruptionBudget.enabled":                {"false", ""},
	"drainDelaySeconds":                          {"30", "terminationGracePeriodSeconds: 50"},
	"resources":                                  {"{limits: {memory: 2Gi}}", "memory: 2Gi"},
	"mtls.enabled":                               {"true", "KINDE_AUTHZ_TLS_CLIENT_CA"},
	"mtls.secretName":                            {"own", "secretName: own"},
	"mtls.clientNames":                           {"['spiffe://a/b', envoy]", `value: "spiffe://a/b,envoy"`},
	"networkPolicy.enabled":                      {"false", ""},
	"networkPolicy.clients":                      {"[{podSelector: {matchLabels: {a: b}}}]", "a: b"},
	"networkPolicy.scrapers":                     {"[{podSelector: {matchLabels: {c: d}}}]", "c: d"},
	"networkPolicy.extraEgress":                  {"[{ports: [{port: 4318}]}]", "- port: 4318"},
	"serviceMonitor.enabled":                     {"true", "kind: ServiceMonitor"},
	"serviceMonitor.interval":                    {"10s", "interval: 10s"},
	"serviceMonitor.labels":                      {"{release: prometheus}", "release: prometheus"},
	"prometheusRule.enabled":                     {"true", "kind: PrometheusRule"},
	"prometheusRule.labels":                      {"{release: prometheus}", "release: prometheus"},
	"extraEnv":                                   {"[{name: OTEL_SERVICE_NAME}]", "name: OTEL_SERVICE_NAME"},
	"extraVolumes":                               {"[{name: k, secret: {secretName: k}}]", "secretName: k"},
	"extraVolumeMounts":                          {"[{name: keys, mountPath: /keys}]", "mountPath: /keys"},
	"podAnnotations":                             {"{a/b: c}", "a/b: c"},
	"podLabels":                                  {"{team: edge}", "team: edge"},
	"nodeSelector":                               {"{disk: ssd}", "disk: ssd"},
	"tolerations":                                {"[{key: edge}]", "- key: edge"},
	"affinity":                                   {"{nodeAffinity: {}}", "nodeAffinity: {}"},
	"priorityClassName":                          {"urgent", "priorityClassName: urgent"},
}

// needed are the values without which another has no effect.
var needed = map[string]string{
	"replicas":                "autoscaling.enabled: false",
	"mtls.secretName":         "mtls.enabled: true",
	"mtls.clientNames":        "mtls.enabled: true",
	"serviceMonitor.interval": "serviceMonitor.enabled: true",
	"serviceMonitor.labels":   "serviceMonitor.enabled: true",
	"prometheusRule.labels":   "prometheusRule.enabled: true",
}

// Each value does what its comment says: nothing is listed that has no effect.
func TestEveryValueHasAnEffect(t *testing.T) {
	for _, v := range values(t) {
		t.Run(v.path, func(t *testing.T) {
			test, ok := other[v.path]
			if !ok {
				t.Fatal("it is not tested")
			}
			without := document(t, "domain: https://yourapp.kinde.com", needed[v.path])
			with := document(t, without, v.path+": "+test.value)
			before, after := manifests(t, without), manifests(t, with)
			if before == after || !strings.Contains(after, test.makes) {
				t.Errorf("it does not make %q", test.makes)
			}
			if test.makes != "" && strings.Contains(before, test.makes) {
				t.Errorf("%q is there without it", test.makes)
			}
		})
	}
	if len(values(t)) != len(other) {
		t.Errorf("%d values, %d of them tested", len(values(t)), len(other))
	}
}

// document puts lines of the form a.b: value into one document; the later line wins.
func document(t *testing.T, lines ...string) string {
	t.Helper()
	all := map[string]any{}
	for _, text := range lines {
		var one map[string]any
		if err := yaml.Unmarshal([]byte(text), &one); err != nil {
			t.Fatal(err)
		}
		for path, value := range one {
			at, keys := all, strings.Split(path, ".")
			for _, key := range keys[:len(keys)-1] {
				if at[key] == nil {
					at[key] = map[string]any{}
				}
				at = at[key].(map[string]any)
			}
			at[keys[len(keys)-1]] = value
		}
	}
	out, err := yaml.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// manifests returns the manifests of the chart, once they are found to be valid.
func manifests(t *testing.T, values string) string {
	t.Helper()
	template(t, "kinde-authz", values)
	files, err := rendered(t, "kinde-authz", values)
	if err != nil {
		t.Fatal(err)
	}
	delete(files, "NOTES.txt")
	var all []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		all = append(all, files[name])
	}
	return strings.Join(all, "\n")
}

func TestSwitchesLeaveObjectsOut(t *testing.T) {
	for path, kind := range map[string]string{
		"autoscaling": "HorizontalPodAutoscaler", "podDisruptionBudget": "PodDisruptionBudget",
		"networkPolicy": "NetworkPolicy", "serviceMonitor": "ServiceMonitor",
		"prometheusRule": "PrometheusRule", "mtls": "Certificate",
	} {
		for _, enabled := range []bool{true, false} {
			all := template(t, "kinde-authz", document(t, least, fmt.Sprintf("%s.enabled: %t", path, enabled)))
			there := slices.ContainsFunc(all, func(o object) bool { return o.Kind == kind })
			if there != enabled {
				t.Errorf("%s.enabled is %t, and %s is there: %t", path, enabled, kind, there)
			}
		}
	}
	own := template(t, "kinde-authz", document(t, least, "mtls: {enabled: true, secretName: own}"))
	if slices.ContainsFunc(own, func(o object) bool { return o.Kind == "Certificate" || o.Kind == "Issuer" }) {
		t.Error("cert-manager is asked for a certificate that is there")
	}
}

func TestNotes(t *testing.T) {
	for values, want := range map[string]struct{ says, not string }{
		least: {"kinde-authz.kinde.svc.cluster.local:9191", "certificate"},

		least + "networkPolicy: {enabled: true}":               {`kinde-authz-client: "true"`, "with one replica"},
		least + "networkPolicy: {enabled: false}":              {"deployment/kinde-authz", "kinde-authz-client"},
		least + "audience: [https://a]":                        {"allowedOrgs is not set", "audience is not set"},
		least + "allowedOrgs: [org_1]":                         {"audience is not set", "allowedOrgs is not set"},
		"settings: {issuers: [{domain: https://a.kinde.com}]}": {"envoy.yaml", "Warning"},
		least + "mtls: {enabled: true}":                        {"is for kinde-authz.\n", "with one replica"},
		least + "mtls: {enabled: true, secretName: own}":       {"ca.crt of the Secret own", "kinde-authz-client.\n"},
		least + "autoscaling: {minReplicas: 1}":                {"with one replica", "certificate"},
		least + "replicas: 1":                                  {"envoy.yaml", "with one replica"},
		least + "autoscaling: {enabled: false}\nreplicas: 1":   {"with one replica", "certificate"},
	} {
		files, err := rendered(t, "kinde-authz", values)
		if err != nil {
			t.Error(values, err)
			continue
		}
		notes := files["NOTES.txt"]
		if !strings.Contains(notes, want.says) || strings.Contains(notes, want.not) {
			t.Errorf("%q: want %q and not %q in\n%s", values, want.says, want.not, notes)
		}
	}
}

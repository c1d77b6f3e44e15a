package deploy

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// The chart and Kustomize are two ways to the same objects.
func TestChartMakesWhatKustomizeMakes(t *testing.T) {
	settings := "settings:\n" + indented(read(t, "deploy/kubernetes/base/kinde-authz.yaml"))
	for name, test := range map[string]struct {
		values     string
		kustomized []object
	}{
		"base":           {"", kustomize(t, "base")},
		"servicemonitor": {"serviceMonitor: {enabled: true}\n", kustomize(t, "base", "servicemonitor")},
		"prometheusrule": {"prometheusRule: {enabled: true}\n", kustomize(t, "base", "prometheusrule")},
		"mtls":           {"mtls: {enabled: true}\n", kustomize(t, "overlays/mtls")},
	} {
		t.Run(name, func(t *testing.T) {
			got := normalized(t, template(t, "kinde-authz", settings+test.values))
			if diff := gocmp.Diff(normalized(t, test.kustomized), got); diff != "" {
				t.Errorf("(-Kustomize +chart):\n%s", diff)
			}
		})
	}
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") + "\n"
}

// normalized returns objects without what has to differ: the namespace, which kubectl gives to
// those of Kustomize, the labels of Helm, and the order of what has a name. The settings are
// compared as what they say, not as they are written.
func normalized(t *testing.T, all []object) map[string]any {
	t.Helper()
	plain := map[string]any{}
	for _, o := range all {
		var content map[string]any
		if err := json.Unmarshal(o.JSON, &content); err != nil {
			t.Fatal(err)
		}
		metadata := content["metadata"].(map[string]any)
		delete(metadata, "namespace")
		for _, label := range []string{"helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version"} {
			delete(metadata["labels"].(map[string]any), label)
		}
		if data, ok := content["data"].(map[string]any); ok {
			data["kinde-authz.yaml"] = parsed(t, data["kinde-authz.yaml"].(string))
		}
		plain[o.String()] = sorted(content)
	}
	return plain
}

func parsed(t *testing.T, text string) any {
	t.Helper()
	var content any
	if err := yaml.UnmarshalStrict([]byte(text), &content); err != nil {
		t.Fatal(err)
	}
	return content
}

// sorted brings lists of what has a name into the order of the names.
func sorted(content any) any {
	switch content := content.(type) {
	case map[string]any:
		for key, value := range content {
			content[key] = sorted(value)
		}
	case []any:
		for i := range content {
			content[i] = sorted(content[i])
		}
		slices.SortStableFunc(content, func(a, b any) int { return cmp.Compare(nameOf(a), nameOf(b)) })
	}
	return content
}

func nameOf(item any) string {
	if fields, ok := item.(map[string]any); ok {
		name, _ := fields["name"].(string)
		return name
	}
	return ""
}

package deploy

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	"sigs.k8s.io/yaml"
)

const chartDir = "../helm/kinde-authz"

// least are the values of the shortest command that docs/kubernetes.md gives.
const least = "domain: https://yourapp.kinde.com\n"

func loadChart(t *testing.T) *chart.Chart {
	t.Helper()
	loaded, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// rendered does what helm template does: files by their name, without the chart's.
func rendered(t *testing.T, release, values string) (map[string]string, error) {
	t.Helper()
	var given map[string]any
	if err := yaml.Unmarshal([]byte(values), &given); err != nil {
		t.Fatal(err)
	}
	loaded := loadChart(t)
	options := common.ReleaseOptions{Name: release, Namespace: "kinde", IsInstall: true, Revision: 1}
	combined, err := util.ToRenderValues(loaded, given, options, nil)
	if err != nil {
		return nil, err
	}
	files, err := engine.Engine{Strict: true}.RenderWithContext(t.Context(), loaded, combined)
	if err != nil {
		return nil, err
	}
	short := map[string]string{}
	for path, content := range files {
		short[path[strings.LastIndex(path, "/")+1:]] = content
	}
	return short, nil
}

// template returns the objects of the chart.
func template(t *testing.T, release, values string) []object {
	t.Helper()
	files, err := rendered(t, release, values)
	if err != nil {
		t.Fatal(err)
	}
	var manifests []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if name != "NOTES.txt" {
			manifests = append(manifests, files[name])
		}
	}
	all, err := objects([]byte(strings.Join(manifests, "\n---\n")))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The oldest release of Kubernetes that is meant stands in three places.
func TestKubernetesVersionIsOne(t *testing.T) {
	version := strings.TrimSuffix(strings.TrimPrefix(loadChart(t).Metadata.KubeVersion, ">="), ".0-0")
	for _, path := range []string{guide, "deploy/kubernetes/base/kustomization.yaml"} {
		if !strings.Contains(read(t, path), "Kubernetes "+version+" ") {
			t.Errorf("%s does not say Kubernetes %s", path, version)
		}
	}
}

func TestHelmLintFindsNothing(t *testing.T) {
	var given map[string]any
	if err := yaml.Unmarshal([]byte(least), &given); err != nil {
		t.Fatal(err)
	}
	for _, message := range lint.RunAll(chartDir, given, "kinde").Messages {
		if message.Severity > support.InfoSev {
			t.Error(message)
		}
	}
}

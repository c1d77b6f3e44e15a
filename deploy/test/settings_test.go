package deploy

import (
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// validate has the program check the settings of a ConfigMap, and returns its last line.
func validate(t *testing.T, config *corev1.ConfigMap) string {
	t.Helper()
	settings, ok := config.Data["kinde-authz.yaml"]
	if !ok || len(config.Data) != 1 {
		t.Fatalf("%s has %v", config.Name, config.Data)
	}
	path := filepath.Join(t.TempDir(), "kinde-authz.yaml")
	write(t, path, settings)
	return validated(t, path)
}

func validated(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, "validate", "--strict", path).CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil || !strings.HasPrefix(lines[len(lines)-1], "valid: ") {
		t.Errorf("%s: %v\n%s", path, err, out)
	}
	return lines[len(lines)-1]
}

func TestSettingsAreValid(t *testing.T) {
	for name, p := range places(t) {
		last := validate(t, find[corev1.ConfigMap](t, p.objects, "ConfigMap", p.settings(t)))
		if !strings.HasPrefix(last, "valid: 1 issuer") {
			t.Errorf("%s: %s", name, last)
		}
	}
	made(t, "deploy/kubernetes/overlays/sidecar/kinde-authz.yaml", read(t, "deploy/kubernetes/base/kinde-authz.yaml"))
}

// settings returns the name of the ConfigMap that is mounted where the program looks.
func (p place) settings(t *testing.T) string {
	t.Helper()
	for _, mount := range p.container.VolumeMounts {
		if mount.MountPath != filepath.Dir(p.value("KINDE_AUTHZ_CONFIG")) {
			continue
		}
		if mount.SubPath != "" {
			t.Error("the file would never change")
		}
		for _, volume := range p.deployment.Spec.Template.Spec.Volumes {
			if volume.Name == mount.Name {
				return volume.ConfigMap.Name
			}
		}
	}
	t.Fatalf("nothing is mounted at %s", p.value("KINDE_AUTHZ_CONFIG"))
	return ""
}

// Every setting that there is can be given to the chart, and arrives as it was.
func TestChartTakesEverySetting(t *testing.T) {
	const path = "deploy/kinde-authz.yaml"
	all := parsed(t, read(t, path)).(map[string]any)
	for _, name := range owned {
		delete(all, name)
	}
	all["token_cache"] = map[string]any{"entries": 1_000_000} // Helm is known to write 1e+06
	all["insecure_http"] = false
	all["assertion"] = map[string]any{"key_file": "/k", "audience": "https://a", "issuer": "me", "lifetime": "30s"}
	values, err := yaml.Marshal(map[string]any{"settings": all})
	if err != nil {
		t.Fatal(err)
	}
	config := find[corev1.ConfigMap](t, template(t, "kinde-authz", string(values)), "ConfigMap", "kinde-authz")
	want, err := yaml.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if got := parsed(t, config.Data["kinde-authz.yaml"]); !equal(got, parsed(t, string(want))) {
		t.Errorf("got\n%s\nwant\n%s", config.Data["kinde-authz.yaml"], want)
	}
	if got, want := validate(t, config), validated(t, filepath.Join("../..", path)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func equal(a, b any) bool { return reflect.DeepEqual(a, b) }

// A setting that changes must not restart the Pods, which read it again. What Envoy is given, it
// does not read again, so that its name has a hash.
func TestOnlyWhatIsNotReadAgainRestartsPods(t *testing.T) {
	names := map[string]bool{}
	for _, o := range kustomize(t, "overlays/sidecar") {
		if o.Kind == "ConfigMap" {
			names[o.Name] = true
		}
	}
	if len(names) != 2 || !names["kinde-authz"] || names["envoy"] {
		t.Errorf("ConfigMaps %v", names)
	}
	before := places(t)["chart"].deployment
	changed := template(t, "kinde-authz", least+"settings: {leeway: 10s}")
	for _, o := range changed {
		if o.Kind != "Deployment" {
			continue
		}
		after := before.DeepCopy()
		if err := o.into(after); err != nil || !equal(before.Spec, after.Spec) {
			t.Errorf("the chart's Pods restart when settings change: %v", err)
		}
	}
}

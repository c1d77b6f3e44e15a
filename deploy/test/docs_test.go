package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

const guide = "docs/kubernetes.md"

// block is a fenced block of a document.
type block struct {
	before  string // the paragraph above it
	kind    string
	content string
}

// blocks are those of the guide, in their order.
func blocks(t *testing.T) (all []block) {
	t.Helper()
	fence := regexp.MustCompile("(?s)(.*?)```([a-z]+)\n(.*?)```\n")
	for _, match := range fence.FindAllStringSubmatch(read(t, guide), -1) {
		paragraphs := strings.Split(strings.TrimSpace(match[1]), "\n\n")
		all = append(all, block{paragraphs[len(paragraphs)-1], match[2], match[3]})
	}
	return all
}

// onCluster reports whether a block needs a cluster, or a registry: make test-deploy runs these.
func (b block) onCluster() bool { return b.before == "<!-- test-deploy -->" }

var fileName = regexp.MustCompile("`([a-z-]+(?:/[a-z-]+)+\\.yaml)`")

// file returns the path of the file that a block shows, if it is a whole one.
func (b block) file() string {
	match := fileName.FindStringSubmatch(b.before)
	if b.kind != "yaml" || match == nil || !strings.HasSuffix(b.before, ":") {
		return ""
	}
	return match[1]
}

// snippets are the blocks that show a part of a file, by their first key.
func snippets(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, b := range blocks(t) {
		if b.kind == "yaml" && b.file() == "" {
			key, _, _ := strings.Cut(b.content, ":")
			all[key] = b.content
		}
	}
	return all
}

// What the guide tells can be done: its files are written, its commands run, and what needs a
// cluster is built as far as it goes without one.
func TestGuide(t *testing.T) {
	root, ran := followed(t)
	want := map[string]int{"files": 8, "commands for a cluster": 28, "blocks of commands": 5}
	for what, number := range want {
		if ran[what] != number {
			t.Errorf("%d %s, want %d", ran[what], what, number)
		}
	}
	checkEnvoyConfig(t, filepath.Join(root, "cluster/envoy.yaml"))
}

// followed does all that the guide says, and returns the folder in which it did and how much.
func followed(t *testing.T) (root string, ran map[string]int) {
	t.Helper()
	root, ran = workplace(t), map[string]int{}
	for _, b := range blocks(t) {
		switch {
		case b.file() != "":
			write(t, filepath.Join(root, b.file()), b.content)
			ran["files"]++
		case b.kind == "sh" && b.onCluster():
			for _, command := range commands(t, b.content) {
				checkCommand(t, root, command)
				ran["commands for a cluster"]++
			}
		case b.kind == "sh":
			command := exec.CommandContext(t.Context(), "sh", "-ec", b.content)
			command.Dir = root
			if out, err := command.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", b.content, err, out)
			}
			ran["blocks of commands"]++
		}
	}
	write(t, filepath.Join(root, "cluster-mtls/envoy.yaml"), mtlsEnvoy(t))
	return root, ran
}

// workplace returns a folder with what the guide works on.
func workplace(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.CopyFS(filepath.Join(root, "deploy/kubernetes"), os.DirFS("../kubernetes")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "envoy.yaml"), read(t, "envoy.yaml"))
	write(t, filepath.Join(root, "bin/README"), "")
	if err := os.Symlink(program, filepath.Join(root, "bin/kinde-authz")); err != nil {
		t.Fatal(err)
	}
	return root
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The guide's two ways lead to the same settings and Pods, with the image and the key.
func TestGuideSaysTheSameOfBothWays(t *testing.T) {
	root, _ := followed(t)
	var values string
	for _, path := range []string{"cluster/values.yaml", "cluster/assertion.yaml"} {
		values = merged(t, values, fileText(t, root, path))
	}
	own := func(all []object) map[string]any {
		return normalized(t, slices.DeleteFunc(slices.Clone(all), func(o object) bool {
			return o.String() != "Deployment/kinde-authz" && o.String() != "ConfigMap/kinde-authz"
		}))
	}
	kustomized := buildIn(t, root, "cluster")
	if diff := gocmp.Diff(own(kustomized), own(template(t, "kinde-authz", values))); diff != "" {
		t.Errorf("(-Kustomize +chart):\n%s", diff)
	}
	checkImage(t, kustomized)
	settings := find[corev1.ConfigMap](t, kustomized, "ConfigMap", "kinde-authz")
	validate(t, settings)
	checkKey(t, kustomized, settings)
}

// merged is what Helm makes of two files of values.
func merged(t *testing.T, first, second string) string {
	t.Helper()
	var a, b map[string]any
	for text, into := range map[string]*map[string]any{first: &a, second: &b} {
		if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	both, err := yaml.Marshal(loader.MergeMaps(a, b))
	if err != nil {
		t.Fatal(err)
	}
	return string(both)
}

func checkImage(t *testing.T, all []object) {
	t.Helper()
	pod := find[appsv1.Deployment](t, all, "Deployment", "kinde-authz").Spec.Template.Spec
	if want := "registry.example.com/kinde-authz:" + loadChart(t).Metadata.AppVersion; pod.Containers[0].Image != want {
		t.Errorf("the image is %s, want %s", pod.Containers[0].Image, want)
	}
}

// checkKey wants the key that the settings name to be one of the Secret that the guide makes.
func checkKey(t *testing.T, all []object, config *corev1.ConfigMap) {
	t.Helper()
	var settings struct {
		Assertion struct {
			KeyFile string `json:"key_file"`
		}
	}
	if err := yaml.Unmarshal([]byte(config.Data["kinde-authz.yaml"]), &settings); err != nil {
		t.Fatal(err)
	}
	folder, name := filepath.Split(settings.Assertion.KeyFile)
	secret := mountedSecret(find[appsv1.Deployment](t, all, "Deployment", "kinde-authz"), folder)
	if want := "create secret generic " + secret + " --from-file=" + name + "="; !strings.Contains(read(t, guide), want) {
		t.Errorf("the guide does not %s", want)
	}
}

// mountedSecret is the name of the Secret that the first container has in a folder.
func mountedSecret(deployment *appsv1.Deployment, folder string) string {
	pod := deployment.Spec.Template.Spec
	for _, mount := range pod.Containers[0].VolumeMounts {
		for _, volume := range pod.Volumes {
			if mount.MountPath == filepath.Clean(folder) && mount.Name == volume.Name && volume.Secret != nil {
				return volume.Secret.SecretName
			}
		}
	}
	return "of no volume"
}

// With mutual TLS, what was installed before stays: the settings, the image and the key.
func TestGuideToMutualTLSKeepsTheRest(t *testing.T) {
	root, _ := followed(t)
	before, after := buildIn(t, root, "cluster"), buildIn(t, root, "cluster-mtls")
	settings := find[corev1.ConfigMap](t, after, "ConfigMap", "kinde-authz")
	if old := find[corev1.ConfigMap](t, before, "ConfigMap", "kinde-authz"); !equal(old.Data, settings.Data) {
		t.Errorf("the settings are others: %v", settings.Data)
	}
	if settings.Namespace != "kinde-authz" || !strings.Contains(settings.Data["kinde-authz.yaml"], "run-agents") {
		t.Errorf("in %s, the settings are %v", settings.Namespace, settings.Data)
	}
	checkImage(t, after)
	checkKey(t, after, settings)
	checkMTLS(t, after)
	envoys := 0
	for _, o := range after {
		if o.Kind == "ConfigMap" && strings.HasPrefix(o.Name, "envoy-") {
			envoys++
			if config := find[corev1.ConfigMap](t, after, o.Kind, o.Name); config.Data["envoy.yaml"] != mtlsEnvoy(t) {
				t.Errorf("%s is without TLS", o.Name)
			}
		}
	}
	if envoys != 1 {
		t.Errorf("%d configurations of Envoy", envoys)
	}
}

// checkMTLS looks for the certificate and the files that name it in Envoy's Pods.
func checkMTLS(t *testing.T, all []object) {
	t.Helper()
	envoy := find[appsv1.Deployment](t, all, "Deployment", "envoy").Spec.Template.Spec
	var mounted []string
	for _, volume := range envoy.Volumes {
		if volume.Secret != nil {
			mounted = append(mounted, secretOf(t, all, volume.Secret.SecretName).Metadata.Name)
		}
	}
	if !slices.Equal(mounted, []string{"kinde-authz-client"}) {
		t.Errorf("Envoy's Pods have the certificates %v", mounted)
	}
	for _, path := range regexp.MustCompile(`/etc/[a-z/.-]+`).FindAllString(mtlsEnvoy(t), -1) {
		there := slices.ContainsFunc(envoy.Containers[0].VolumeMounts, func(mount corev1.VolumeMount) bool {
			return mount.MountPath == filepath.Dir(path)
		})
		if !there {
			t.Errorf("%s is not mounted", path)
		}
	}
}

// checkEnvoyConfig has Envoy check a file.
func checkEnvoyConfig(t *testing.T, path string) {
	t.Helper()
	binary, err := envoy()
	if err != nil {
		t.Fatal("scripts/envoy: ", err)
	}
	check := exec.CommandContext(t.Context(), binary, "--mode", "validate", "-c", path, "--log-level", "error")
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The peer of the last section is one that the chart takes.
func TestPeerOfTheGuide(t *testing.T) {
	peer := snippets(t)["namespaceSelector"]
	values := least + "networkPolicy:\n  clients:\n  - " + strings.ReplaceAll(strings.TrimSpace(peer), "\n", "\n    ")
	policy := find[networkingv1.NetworkPolicy](t, template(t, "kinde-authz", values), "NetworkPolicy", "kinde-authz")
	from := policy.Spec.Ingress[0].From
	if len(from) != 1 || from[0].NamespaceSelector == nil || from[0].PodSelector == nil {
		t.Errorf("%+v", from)
	}
}

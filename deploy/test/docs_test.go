package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/strvals"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/kustomize/kyaml/filesys"
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
	root := workplace(t)
	ran := map[string]int{}
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
	want := map[string]int{"files": 5, "commands for a cluster": 14, "blocks of commands": 3}
	for what, number := range want {
		if ran[what] != number {
			t.Errorf("%d %s, want %d", ran[what], what, number)
		}
	}
	write(t, filepath.Join(root, "cluster-mtls/envoy.yaml"), mtlsEnvoy(t))
	checkMTLS(t, buildIn(t, root, "cluster-mtls"))
	checkEnvoyConfig(t, filepath.Join(root, "cluster/envoy.yaml"))
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

// commands returns the commands of a script in words, as a shell reads them.
func commands(t *testing.T, script string) (all [][]string) {
	t.Helper()
	show := `show() { printf '%s\t' "$@"; echo; }; `
	for _, name := range []string{"curl", "docker", "helm", "kubectl"} {
		show += name + "() { show " + name + ` "$@"; }; `
	}
	script = strings.ReplaceAll(script, " &\n", "\n")
	command := exec.CommandContext(t.Context(), "sh", "-ec", show+"\n"+script)
	command.Env = []string{} // nothing else is found
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	for line := range strings.Lines(string(out)) {
		all = append(all, strings.Split(strings.TrimSuffix(line, "\t\n"), "\t"))
	}
	return all
}

// checkCommand checks what a command for a cluster names.
func checkCommand(t *testing.T, root string, words []string) {
	t.Helper()
	line := strings.Join(words, " ")
	switch {
	case strings.HasPrefix(line, "kubectl apply -k "):
		buildIn(t, root, words[3])
	case strings.HasPrefix(line, "kubectl apply -f https://github.com/cert-manager/"):
		if want := "/v" + versions(t)["CERT_MANAGER_VERSION"] + "/cert-manager.yaml"; !strings.HasSuffix(line, want) {
			t.Errorf("%s: want %s", line, want)
		}
	case strings.HasPrefix(line, "kubectl -n kinde-authz rollout status "),
		strings.HasPrefix(line, "kubectl -n kinde-authz port-forward "):
		checkNamed(t, root, words)
	case strings.HasPrefix(line, "kubectl create namespace "), strings.HasPrefix(line, "kubectl label namespace "):
	case strings.HasPrefix(line, "helm upgrade --install "):
		checkHelm(t, root, words)
	case strings.HasPrefix(line, "docker "):
		if !strings.Contains(line, "registry.example.com/kinde-authz:"+loadChart(t).Metadata.AppVersion) {
			t.Errorf("%s: the manifests have another version", line)
		}
		if words[1] == "build" && !strings.Contains(read(t, "Dockerfile"), " AS "+words[3]+"\n") {
			t.Errorf("the Dockerfile has no target %s", words[3])
		}
	case strings.HasPrefix(line, "curl "):
		if !strings.Contains(line, " http://localhost:8080/api/agents/weather/generate") {
			t.Errorf("%s: the settings have no such route", line)
		}
	default:
		t.Errorf("nobody knows %q", line)
	}
}

// buildIn builds a folder of the workplace.
func buildIn(t *testing.T, root, dir string) []object {
	t.Helper()
	return build(t, filesys.MakeFsOnDisk(), strings.TrimPrefix(filepath.Join(root, dir), "/"))
}

// checkNamed looks for the object that a command of kubectl names, and for its port.
func checkNamed(t *testing.T, root string, words []string) {
	t.Helper()
	all := buildIn(t, root, "cluster")
	for _, word := range words {
		if name, found := strings.CutPrefix(word, "deployment/"); found {
			find[appsv1.Deployment](t, all, "Deployment", name)
		}
		if name, found := strings.CutPrefix(word, "service/"); found {
			ports := find[corev1.Service](t, all, "Service", name).Spec.Ports
			if len(ports) != 1 || words[len(words)-1] != ports[0].TargetPort.String() && ports[0].Port != 8080 {
				t.Errorf("%v: %v", words, ports)
			}
		}
	}
}

// checkHelm renders the chart with the flags of a command.
func checkHelm(t *testing.T, root string, words []string) {
	t.Helper()
	if words[4] != "deploy/helm/kinde-authz" {
		t.Errorf("chart %s", words[4])
	}
	values := map[string]any{}
	for i := 5; i < len(words); i++ {
		switch words[i] {
		case "--create-namespace":
			continue
		case "--namespace":
		case "--set":
			if err := strvals.ParseInto(words[i+1], values); err != nil {
				t.Fatal(err)
			}
		case "--values":
			content, err := os.ReadFile(filepath.Join(root, words[i+1]))
			if err != nil {
				t.Fatal(err)
			}
			if err := yaml.Unmarshal(content, &values); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatalf("flag %s", words[i])
		}
		i++
	}
	given, err := yaml.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	validate(t, find[corev1.ConfigMap](t, template(t, words[3], string(given)), "ConfigMap", words[3]))
}

// The guide's two ways lead to the same settings, and no hash is in their name.
func TestGuideSaysTheSameOfBothWays(t *testing.T) {
	root := workplace(t)
	files := map[string]string{}
	for _, b := range blocks(t) {
		if path := b.file(); path != "" {
			files[path] = b.content
			write(t, filepath.Join(root, path), b.content)
		}
	}
	write(t, filepath.Join(root, "cluster/envoy.yaml"), read(t, "envoy.yaml"))
	all := buildIn(t, root, "cluster")
	const name = "kinde-authz.yaml"
	kustomized := find[corev1.ConfigMap](t, all, "ConfigMap", "kinde-authz").Data[name]
	chart := template(t, "kinde-authz", files["cluster/values.yaml"])
	charted := find[corev1.ConfigMap](t, chart, "ConfigMap", "kinde-authz").Data[name]
	if got, want := sorted(parsed(t, charted)), sorted(parsed(t, kustomized)); !equal(got, want) {
		t.Errorf("the chart's settings are\n%s\nKustomize's\n%s", charted, kustomized)
	}
	images := regexp.MustCompile(`registry\.example\.com/kinde-authz:[0-9.]+`)
	for way, objects := range map[string][]object{"Kustomize": all, "Helm": chart} {
		for _, o := range objects {
			if o.String() == "Deployment/kinde-authz" && !images.Match(o.JSON) {
				t.Errorf("%s: the image is another", way)
			}
		}
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

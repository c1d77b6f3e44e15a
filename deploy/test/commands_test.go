package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/strvals"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// commands returns the commands of a script in words, as a shell reads them.
func commands(t *testing.T, script string) (all [][]string) {
	t.Helper()
	show := `show() { printf '%s\t' "$@"; echo; }; `
	for _, name := range []string{"bin/kinde-authz", "curl", "docker", "helm", "kubectl"} {
		show += name + "() { show " + name + ` "$@"; }; `
	}
	show += "openssl() { :; }" // makes a key for the next command
	script = strings.ReplaceAll(script, " &\n", "\n")
	command := exec.CommandContext(t.Context(), "bash", "-eo", "pipefail", "-c", show+"\n"+script)
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
	case strings.HasPrefix(line, "kubectl apply -f cluster/"):
		fileIn(t, root, words[3])
	case strings.HasPrefix(line, "kubectl -n kinde-authz rollout status "),
		strings.HasPrefix(line, "kubectl -n kinde-authz get "),
		strings.HasPrefix(line, "kubectl -n kinde-authz port-forward "):
		checkNamed(t, root, words)
	case strings.HasPrefix(line, "kubectl -n kinde-authz create secret "): // what is mounted is compared with it
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
	case line == "bin/kinde-authz health", line == "curl --silent --fail http://127.0.0.1:9901/ready":
	case strings.HasPrefix(line, "bin/kinde-authz doctor "):
		if want := "bin/kinde-authz doctor --config cluster/kinde-authz.yaml --address 127.0.0.1:9191 " +
			"--envoy-admin http://127.0.0.1:9901"; line != want {
			t.Errorf("%s: want %s", line, want)
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

// fileIn reads a file of the workplace.
func fileIn(t *testing.T, root, path string) []object {
	t.Helper()
	all, err := objects([]byte(fileText(t, root, path)))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return all
}

func fileText(t *testing.T, root, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// checkNamed looks for the object that a command of kubectl names, and for its ports.
func checkNamed(t *testing.T, root string, words []string) {
	t.Helper()
	all := buildIn(t, root, "cluster")
	for i, word := range words {
		if name, found := strings.CutPrefix(word, "deployment/"); found {
			checkPorts(t, find[appsv1.Deployment](t, all, "Deployment", name), words[i+1:])
		}
		if name, found := strings.CutPrefix(word, "service/"); found {
			ports := find[corev1.Service](t, all, "Service", name).Spec.Ports
			if len(ports) != 1 || words[len(words)-1] != ports[0].TargetPort.String() && ports[0].Port != 8080 {
				t.Errorf("%v: %v", words, ports)
			}
		}
		if word == "service" {
			find[corev1.Service](t, all, "Service", words[i+1])
		}
	}
}

// checkPorts wants the Pods to listen at ports: those of the container, and that of Envoy's admin.
func checkPorts(t *testing.T, deployment *appsv1.Deployment, ports []string) {
	t.Helper()
	there := map[string]bool{}
	for _, port := range deployment.Spec.Template.Spec.Containers[0].Ports {
		there[fmt.Sprint(port.ContainerPort)] = true
	}
	const admin = "{address: 127.0.0.1, port_value: 9901}"
	there["9901"] = deployment.Name == "envoy" && strings.Contains(read(t, "envoy.yaml"), admin)
	for _, port := range ports {
		if !there[port] {
			t.Errorf("%s has no port %s", deployment.Name, port)
		}
	}
}

// checkHelm renders the chart with the flags of a command.
func checkHelm(t *testing.T, root string, words []string) {
	t.Helper()
	if words[4] != "deploy/helm/kinde-authz" {
		t.Errorf("chart %s", words[4])
	}
	values := ""
	for i := 5; i < len(words); i++ {
		switch words[i] {
		case "--create-namespace":
			continue
		case "--namespace":
		case "--set":
			values = merged(t, values, set(t, words[i+1]))
		case "--values":
			values = merged(t, values, fileText(t, root, words[i+1]))
		default:
			t.Fatalf("flag %s", words[i])
		}
		i++
	}
	validate(t, find[corev1.ConfigMap](t, template(t, words[3], values), "ConfigMap", words[3]))
}

// set is what Helm makes of a flag --set, as a file of values.
func set(t *testing.T, flag string) string {
	t.Helper()
	values, err := strvals.Parse(flag)
	if err != nil {
		t.Fatal(err)
	}
	content, err := yaml.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

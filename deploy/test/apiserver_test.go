//go:build deploy

package deploy

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// kubectl runs a command with standard input, and returns what it prints.
func kubectl(t *testing.T, in string, args ...string) (out, faults string, err error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "kubectl", args...)
	var printed, complaints bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(in), &printed, &complaints
	err = command.Run()
	return printed.String(), complaints.String(), err
}

// admit has the API server say what it would do with objects. A warning is a fault.
func admit(t *testing.T, manifests string) (out, faults string) {
	t.Helper()
	out, faults, err := kubectl(t, manifests, "apply", "--dry-run=server", "--validate=strict", "-f", "-")
	if err != nil && faults == "" {
		t.Fatal(err)
	}
	return out, faults
}

// everyManifest are all that the project has, by what they are for.
func everyManifest(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, dir := range kustomized {
		all["kubernetes/"+dir] = joined(kustomize(t, dir))
	}
	all["kubernetes/base with a ServiceMonitor"] = joined(kustomize(t, "base", "servicemonitor"))
	all["kubernetes/base with a PrometheusRule"] = joined(kustomize(t, "base", "prometheusrule"))
	all["kubernetes/base with an assertion"] = joined(kustomize(t, "base", "assertion"))
	all["kubernetes/envoy with sidecar"] = joined(kustomize(t, "envoy", "sidecar"))
	all["kubernetes/envoy with mtls"] = joined(kustomize(t, "envoy", "envoy-mtls"))
	all["kubernetes/envoy with TLS"] = joined(kustomize(t, "envoy", "envoy-tls"))
	root, _ := followed(t)
	for _, dir := range []string{"cluster", "cluster-mtls"} {
		all["guide/"+dir] = joined(buildIn(t, root, dir))
	}
	all["guide/cluster exposed"] = joined(exposed(t))
	for _, path := range []string{"cluster/my-api.yaml", "cluster/ingress.yaml"} {
		all["guide/"+path] = fileText(t, root, path)
	}
	for name, values := range map[string]string{
		"least values": "", "mtls": "mtls: {enabled: true}", "own certificates": "mtls: {enabled: true, secretName: own}",
		"ServiceMonitor": "serviceMonitor: {enabled: true}", "all in Pods": inPods,
		"PrometheusRule": "prometheusRule: {enabled: true}",
		"little": "autoscaling: {enabled: false}\npodDisruptionBudget: {enabled: false}\n" +
			"networkPolicy: {enabled: false}",
	} {
		all["chart with "+name] = joined(template(t, "edge", least+values))
	}
	for _, pattern := range []string{"../envoy-gateway/*.yaml", "../istio/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) < 6 {
			t.Fatal(paths, err)
		}
		for _, path := range paths {
			// A part of Istio's own settings.
			if name := strings.TrimPrefix(path, "../"); name != "istio/mesh-config.yaml" {
				all[name] = read(t, "deploy/"+name)
			}
		}
	}
	return all
}

// inPods are values for all that the chart puts into Pods, as it is.
const inPods = `
imagePullSecrets: [{name: registry}]
extraEnv: [{name: OTEL_SERVICE_NAME, value: kinde-authz}]
extraVolumes: [{name: key, secret: {secretName: key}}]
extraVolumeMounts: [{name: key, mountPath: /key, readOnly: true}]
podAnnotations: {a: b}
podLabels: {a: b}
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{key: a, operator: Exists}]
affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [
  {matchExpressions: [{key: a, operator: Exists}]}]}}}
priorityClassName: system-cluster-critical
networkPolicy: {extraEgress: [{ports: [{protocol: TCP, port: 4317}]}]}
`

func joined(all []object) string {
	var text strings.Builder
	for _, o := range all {
		text.Write(o.JSON)
		text.WriteString("\n---\n")
	}
	return text.String()
}

var begins = regexp.MustCompile(`(?m)^(apiVersion: |\{"apiVersion":)`)

// The API server and the schemas and rules of the custom resources admit everything, into a
// namespace of restricted Pods, without a warning.
func TestAPIServer(t *testing.T) {
	prepare := func(args ...string) {
		if _, faults, err := kubectl(t, "", args...); err != nil {
			t.Fatal(faults)
		}
	}
	for _, namespace := range []string{"kinde-authz", "kinde", "istio-system", "envoy-gateway-system"} {
		prepare("create", "namespace", namespace)
	}
	const restricted = "pod-security.kubernetes.io/%s=restricted"
	for _, mode := range []string{"enforce", "warn"} {
		prepare("label", "namespace", "kinde-authz", "kinde", fmt.Sprintf(restricted, mode))
	}
	prepare("config", "set-context", "--current", "--namespace", "kinde-authz")
	for name, text := range everyManifest(t) {
		t.Run(name, func(t *testing.T) {
			out, faults := admit(t, text)
			if faults != "" {
				t.Error(faults)
			}
			lines := strings.Split(strings.TrimSpace(out), "\n")
			if want := len(begins.FindAllString(text, -1)); len(lines) != want {
				t.Errorf("%d objects were admitted, want %d:\n%s", len(lines), want, out)
			}
			if slices.ContainsFunc(lines, func(line string) bool { return !strings.Contains(line, "(server dry run)") }) {
				t.Error(out)
			}
		})
	}
	t.Run("mistakes are found", wantFaults)
}

// wantFaults makes mistakes in manifests, which the API server finds in objects of each kind of
// origin: that it says nothing of the others means something.
func wantFaults(t *testing.T) {
	for _, mistake := range []struct{ path, old, new, says string }{
		{"kubernetes/base/service.yaml", "clusterIP: None", "clusterIp: None", `unknown field "spec.clusterIp"`},
		{"kubernetes/base/horizontalpodautoscaler.yaml", "maxReplicas: 10", "maxReplicas: 1", "spec.maxReplicas"},
		{"kubernetes/base/deployment.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "would violate PodSecurity"},
		{"kubernetes/base/deployment.yaml", "name: settings, mountPath", "name: others, mountPath", "volumeMounts[0].name"},
		{"kubernetes/components/mtls/certificates.yaml", "size: 256", "bits: 256", `unknown field "spec.privateKey.bits"`},
		{"kubernetes/components/servicemonitor/servicemonitor.yaml", "interval: 30s", "interval: often", "interval"},
		{"kubernetes/components/prometheusrule/prometheusrule.yaml", "for: 2m", "for: ever", "for"},
		{"envoy-gateway/security-policy.yaml", "statusOnError: 503", "statusOnError: 999", "statusOnError"},
		{"envoy-gateway/gateway.yaml", "port: 8000", "port: 80000", "port"},
		{"istio/hardening-gateway.yaml", "operation: MERGE", "operation: MIX", "operation"},
		{"istio/gateway.yaml", "action: CUSTOM", "action: MAYBE", "action"},
	} {
		text := read(t, "deploy/"+mistake.path)
		if !strings.Contains(text, mistake.old) {
			t.Fatalf("%s: there is no %q", mistake.path, mistake.old)
		}
		_, faults := admit(t, strings.ReplaceAll(text, mistake.old, mistake.new))
		if !strings.Contains(faults, mistake.says) {
			t.Errorf("%s with %s: got %q, want %q", mistake.path, mistake.new, faults, mistake.says)
		}
	}
}

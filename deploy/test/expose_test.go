package deploy

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The policy lets Envoy's Pods in to the API, at the port that Envoy is told, and nobody else.
func TestGuideClosesTheAPI(t *testing.T) {
	root, _ := followed(t)
	policy := find[networkingv1.NetworkPolicy](t, fileIn(t, root, "cluster/my-api.yaml"), "NetworkPolicy", "my-api")
	spec := policy.Spec
	if !slices.Equal(spec.PolicyTypes, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}) ||
		len(spec.PodSelector.MatchLabels) == 0 || len(spec.Ingress) != 1 || len(spec.Ingress[0].From) != 1 {
		t.Fatalf("%+v", spec)
	}
	if port := spec.Ingress[0].Ports; len(port) != 1 || port[0].Port.String() != "8080" || policy.Namespace != "default" ||
		!strings.Contains(read(t, guide), "address: my-api.default, port_value: 8080") {
		t.Errorf("it is about %v of %s, Envoy is told another address", port, policy.Namespace)
	}
	all := buildIn(t, root, "cluster")
	peer := spec.Ingress[0].From[0]
	for name, want := range map[string]bool{"envoy": true, "kinde-authz": false} {
		deployment := find[appsv1.Deployment](t, all, "Deployment", name)
		namespace := map[string]string{"kubernetes.io/metadata.name": deployment.Namespace}
		pod := deployment.Spec.Template.Labels
		if selects(t, peer.NamespaceSelector, namespace) && selects(t, peer.PodSelector, pod) != want {
			t.Errorf("%s: let in is %t", name, !want)
		}
		if !selects(t, peer.NamespaceSelector, namespace) {
			t.Errorf("%s is in another namespace", name)
		}
	}
	if selects(t, peer.NamespaceSelector, map[string]string{"kubernetes.io/metadata.name": "default"}) {
		t.Error("Pods of other namespaces are let in")
	}
}

// exposedEnvoy is the project's envoy.yaml with the TLS that docs/kubernetes.md gives it.
func exposedEnvoy(t *testing.T) string {
	t.Helper()
	config := read(t, "envoy.yaml")
	lines := strings.ReplaceAll(strings.TrimSpace(snippets(t)["listener_filters"]), "\n", "\n    ")
	plain := between(t, config, "    listener_filters:\n", "      - name: envoy.filters.network.http_connection_manager\n")
	return edited(t, config, edit{plain, "    " + lines + "\n"})
}

// served writes what Envoy is given of components/envoy-tls, and returns the file that names it.
func served(t *testing.T, a *authority) (path string) {
	t.Helper()
	wanted := &certificate{}
	wanted.Spec.DNSNames, wanted.Spec.Usages = []string{"localhost"}, []string{"server auth"}
	dir := t.TempDir()
	for name, content := range a.issue(t, wanted) {
		write(t, filepath.Join(dir, name), content)
	}
	path = filepath.Join(dir, "certificate.yaml")
	content := read(t, "deploy/kubernetes/components/envoy-tls/certificate.yaml")
	write(t, path, strings.ReplaceAll(content, "/etc/envoy-tls", dir))
	return path
}

// exposed is what the guide's cluster becomes with TLS at Envoy.
func exposed(t *testing.T) []object {
	t.Helper()
	root, _ := followed(t)
	const path = "cluster/kustomization.yaml"
	before := fileText(t, root, path)
	_, components, _ := strings.Cut(before, "components:\n")
	write(t, filepath.Join(root, path), edited(t, before, edit{"components:\n" + components, snippets(t)["components"]}))
	write(t, filepath.Join(root, "cluster/envoy.yaml"), exposedEnvoy(t))
	return buildIn(t, root, "cluster")
}

// An ingress finds Envoy's port, and Envoy takes the number of proxies.
func TestIngressOfTheGuide(t *testing.T) {
	root, _ := followed(t)
	inside := find[corev1.Service](t, buildIn(t, root, "cluster"), "Service", "envoy")
	ingress := find[networkingv1.Ingress](t, fileIn(t, root, "cluster/ingress.yaml"), "Ingress", "envoy")
	backend := ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service
	if ingress.Namespace != inside.Namespace || backend.Name != inside.Name ||
		backend.Port.Name != inside.Spec.Ports[0].Name {
		t.Errorf("the ingress leads to %+v", backend)
	}
	hops := filepath.Join(root, "hops.yaml")
	const address, indent = "          use_remote_address: true\n", "          "
	more := address + indent + snippets(t)["xff_num_trusted_hops"]
	write(t, hops, edited(t, read(t, "envoy.yaml"), edit{address, more}))
	checkEnvoyConfig(t, hops)
}

// With TLS at Envoy, the certificate and the file that names it are mounted, and a load balancer
// leads to the port.
func TestGuideExposesEnvoy(t *testing.T) {
	all := exposed(t)
	service := find[corev1.Service](t, all, "Service", "envoy").Spec
	if len(service.Ports) != 1 || service.Ports[0].Port != 443 || service.Ports[0].TargetPort.String() != "http" ||
		service.Type != corev1.ServiceTypeLoadBalancer ||
		service.ExternalTrafficPolicy != corev1.ServiceExternalTrafficPolicyLocal {
		t.Errorf("the Service is %+v", service)
	}
	envoy := find[appsv1.Deployment](t, all, "Deployment", "envoy")
	if !selects(t, &metav1.LabelSelector{MatchLabels: service.Selector}, envoy.Spec.Template.Labels) {
		t.Error("the Service does not lead to Envoy")
	}
	secret := mountedSecret(envoy, "/etc/envoy-tls")
	if want := "create secret tls " + secret + " "; !strings.Contains(read(t, guide), want) {
		t.Errorf("the guide does not %s", want)
	}
	mounts := envoy.Spec.Template.Spec.Containers[0].VolumeMounts
	if !slices.ContainsFunc(mounts, func(m corev1.VolumeMount) bool { return m.MountPath == "/etc/envoy-sds" }) {
		t.Error("/etc/envoy-sds is not mounted")
	}
	checkKey(t, all, find[corev1.ConfigMap](t, all, "ConfigMap", "kinde-authz"))
}

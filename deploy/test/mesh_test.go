package deploy

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What Istio and Envoy Gateway are given finds what is installed here, in the guide's namespace.
func TestMeshAndGatewayFindTheService(t *testing.T) {
	base := places(t)["base"]
	if !strings.Contains(read(t, guide), "kubectl create namespace kinde-authz\n") {
		t.Errorf("%s has another namespace", guide)
	}
	istio, err := objects([]byte(read(t, "deploy/istio/service.yaml")))
	if err != nil {
		t.Fatal(err)
	}
	mesh := find[corev1.Service](t, istio, "Service", "kinde-authz-mesh")
	if !selects(t, &metav1.LabelSelector{MatchLabels: mesh.Spec.Selector}, base.deployment.Spec.Template.Labels) {
		t.Error("Istio's Service does not select the Pods")
	}
	own := find[corev1.Service](t, base.objects, "Service", "kinde-authz").Spec.Ports[0]
	got := mesh.Spec.Ports[0]
	if mesh.Namespace != "kinde-authz" || got.TargetPort != own.TargetPort || got.Port != own.Port {
		t.Errorf("Istio's Service is %+v", mesh)
	}
	const backend = "backendRefs: [{name: kinde-authz, namespace: kinde-authz, port: 9191}]\n"
	if !strings.Contains(read(t, "deploy/envoy-gateway/security-policy.yaml"), backend) || own.Port != 9191 {
		t.Errorf("Envoy Gateway's policy does not say %s", backend)
	}
}

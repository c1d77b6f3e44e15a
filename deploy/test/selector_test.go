package deploy

import (
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// selects reports whether a selector that is not empty selects these labels.
func selects(t *testing.T, selector *metav1.LabelSelector, set map[string]string) bool {
	t.Helper()
	compiled, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return !compiled.Empty() && compiled.Matches(labels.Set(set))
}

// What is about the Pods of kinde-authz selects them, and nobody else's.
func TestSelectorsSelectThePods(t *testing.T) {
	envoy := deployments(t)["envoy"].Spec.Template.Labels
	for name, p := range places(t) {
		if name == "sidecar" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			own := p.deployment.Name
			service := find[corev1.Service](t, p.objects, "Service", own)
			selectors := map[string]*metav1.LabelSelector{
				"Deployment":          p.deployment.Spec.Selector,
				"NetworkPolicy":       &find[networkingv1.NetworkPolicy](t, p.objects, "NetworkPolicy", own).Spec.PodSelector,
				"PodDisruptionBudget": find[policyv1.PodDisruptionBudget](t, p.objects, "PodDisruptionBudget", own).Spec.Selector,
				"Service":             {MatchLabels: service.Spec.Selector},
			}
			for _, constraint := range p.deployment.Spec.Template.Spec.TopologySpreadConstraints {
				selectors["spread over "+constraint.TopologyKey] = constraint.LabelSelector
			}
			for what, selector := range selectors {
				if !selects(t, selector, p.deployment.Spec.Template.Labels) {
					t.Errorf("%s does not select the Pods", what)
				}
				if selects(t, selector, envoy) {
					t.Errorf("%s selects Envoy's", what)
				}
			}
			if len(selectors) != 6 {
				t.Errorf("%d selectors, want 6", len(selectors))
			}
			scaler := find[autoscalingv2.HorizontalPodAutoscaler](t, p.objects, "HorizontalPodAutoscaler", own)
			if target := scaler.Spec.ScaleTargetRef; target.Kind != "Deployment" || target.Name != own {
				t.Errorf("scales %v", target)
			}
		})
	}
}

// Two replicas or more, one of which may be away; the number is the autoscaler's alone.
func TestReplicas(t *testing.T) {
	for name, p := range places(t) {
		if name == "sidecar" {
			continue
		}
		own := p.deployment.Name
		scaler := find[autoscalingv2.HorizontalPodAutoscaler](t, p.objects, "HorizontalPodAutoscaler", own).Spec
		if p.deployment.Spec.Replicas != nil || scaler.MinReplicas == nil || *scaler.MinReplicas < 2 {
			t.Errorf("%s: replicas %v, autoscaler %+v", name, p.deployment.Spec.Replicas, scaler)
		}
		budget := find[policyv1.PodDisruptionBudget](t, p.objects, "PodDisruptionBudget", own)
		if budget.Spec.MaxUnavailable.IntValue() != 1 {
			t.Errorf("%s: budget %+v", name, budget.Spec)
		}
		rolling := p.deployment.Spec.Strategy.RollingUpdate
		if rolling.MaxUnavailable.IntValue() != 0 || rolling.MaxSurge.IntValue() != 1 {
			t.Errorf("%s: rolling update %+v", name, rolling)
		}
	}
}

// The policy lets the proxies in to the gRPC port and Prometheus to the admin port, and nobody
// else; out, to DNS and HTTPS.
func TestNetworkPolicyLetsOnlyTheProxiesIn(t *testing.T) {
	envoy := deployments(t)["envoy"].Spec.Template.Labels
	prometheus := map[string]string{"app.kubernetes.io/name": "prometheus"}
	for name, p := range places(t) {
		if name == "sidecar" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			spec := find[networkingv1.NetworkPolicy](t, p.objects, "NetworkPolicy", p.deployment.Name).Spec
			for _, test := range []struct {
				who  string
				pod  map[string]string
				want map[string]bool
			}{
				{"envoy", envoy, map[string]bool{"grpc": true}},
				{"prometheus", prometheus, map[string]bool{"admin": true}},
				{"another Pod", map[string]string{"app.kubernetes.io/name": "agent"}, nil},
				{"kinde-authz itself", p.deployment.Spec.Template.Labels, nil},
			} {
				got := letIn(t, spec, test.pod)
				if len(got) != len(test.want) || !got["grpc"] == test.want["grpc"] || !got["admin"] == test.want["admin"] {
					t.Errorf("%s reaches %v, want %v", test.who, got, test.want)
				}
			}
			var out []string
			for _, rule := range spec.Egress {
				for _, port := range rule.Ports {
					out = append(out, string(*port.Protocol)+" "+port.Port.String())
				}
			}
			if len(spec.PolicyTypes) != 2 || len(out) != 3 || out[0] != "UDP 53" || out[1] != "TCP 53" || out[2] != "TCP 443" {
				t.Errorf("%v: out to %v", spec.PolicyTypes, out)
			}
		})
	}
}

// letIn returns the ports that a Pod of any namespace reaches.
func letIn(t *testing.T, spec networkingv1.NetworkPolicySpec, pod map[string]string) map[string]bool {
	t.Helper()
	ports := map[string]bool{}
	for _, rule := range spec.Ingress {
		if len(rule.From) == 0 {
			t.Error("a rule without from lets everyone in")
		}
		for _, peer := range rule.From {
			if peer.NamespaceSelector != nil && selects(t, peer.PodSelector, pod) {
				ports[rule.Ports[0].Port.String()] = true
			}
		}
	}
	return ports
}

// The Prometheus Operator scrapes a port that the Service has, of the Service that is meant.
func TestServiceMonitorSelectsTheService(t *testing.T) {
	for name, all := range map[string][]object{
		"Kustomize": kustomize(t, "base", "servicemonitor"),
		"chart":     template(t, "kinde-authz", least+"serviceMonitor: {enabled: true}"),
	} {
		service := find[corev1.Service](t, all, "Service", "kinde-authz")
		monitor := find[serviceMonitor](t, all, "ServiceMonitor", "kinde-authz")
		endpoint := monitor.Spec.Endpoints[0]
		if service.Labels[monitor.Spec.JobLabel] != "kinde-authz" { // the job that the alerts go by
			t.Errorf("%s: the job is named by the label %q", name, monitor.Spec.JobLabel)
		}
		if !selects(t, &monitor.Spec.Selector, service.Labels) ||
			endpoint.Port != service.Spec.Ports[1].Name || endpoint.Path != "/metrics" {
			t.Errorf("%s: %+v", name, monitor.Spec)
		}
	}
}

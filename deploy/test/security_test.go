package deploy

import (
	"fmt"
	"regexp"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// deployments are all that are made.
func deployments(t *testing.T) map[string]*appsv1.Deployment {
	t.Helper()
	envoy := find[appsv1.Deployment](t, kustomize(t, "envoy"), "Deployment", "envoy")
	all := map[string]*appsv1.Deployment{"envoy": envoy}
	for name, p := range places(t) {
		all[name] = p.deployment
	}
	return all
}

// A namespace that enforces the Pod Security Standard "restricted" admits the Pods: this is what
// the API server asks.
func TestPodsMeetTheRestrictedStandard(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for name, deployment := range deployments(t) {
		t.Run(name, func(t *testing.T) {
			pod := deployment.Spec.Template
			result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec))
			if !result.Allowed {
				t.Error(result.ForbiddenDetail())
			}
		})
	}
}

// What the standard does not ask for.
func TestPodsHaveNoMoreThanTheyNeed(t *testing.T) {
	for name, deployment := range deployments(t) {
		t.Run(name, func(t *testing.T) {
			spec := deployment.Spec.Template.Spec
			if spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
				t.Error("it gets a token of the Kubernetes API")
			}
			if spec.EnableServiceLinks == nil || *spec.EnableServiceLinks {
				t.Error("it gets variables of every Service")
			}
			for _, container := range append(spec.InitContainers, spec.Containers...) {
				if root := container.SecurityContext.ReadOnlyRootFilesystem; root == nil || !*root {
					t.Errorf("%s can write to its root filesystem", container.Name)
				}
				if container.Resources.Limits.Memory().IsZero() || container.Resources.Requests.Cpu().IsZero() {
					t.Errorf("%s: resources are %v", container.Name, container.Resources)
				}
				if !container.Resources.Limits.Cpu().IsZero() {
					t.Errorf("%s: a limit of CPU would hold decisions up", container.Name)
				}
			}
		})
	}
}

func TestServiceAccountHasNoToken(t *testing.T) {
	for name, p := range places(t) {
		if name == "sidecar" { // its Pod is Envoy's
			continue
		}
		own := p.deployment.Spec.Template.Spec.ServiceAccountName
		account := find[corev1.ServiceAccount](t, p.objects, "ServiceAccount", own)
		if account.AutomountServiceAccountToken == nil || *account.AutomountServiceAccountToken {
			t.Errorf("%s: Pods get its token", name)
		}
	}
}

// The limit of memory is above what an attack can take and a full cache; the runtime keeps to 90 %
// of it.
func TestMemoryLimitIsAboveTheWorstCase(t *testing.T) {
	attack := mebibytes(t, "docs/security.md", `health checks among them, (\d+) MiB with the container`)
	cache := mebibytes(t, "docs/settings.md", `A full cache of the default size takes\s+about (\d+) MiB`)
	full := mebibytes(t, "docs/benchmarks.md", `\| 100,000 tokens \|(?:[^|]*\|){6} (\d+) \|`)
	for name, p := range places(t) {
		if limit := p.container.Resources.Limits.Memory().Value() / 10 * 9; limit < attack+cache {
			t.Errorf("%s: 90 %% of the limit are %d MiB", name, limit>>20)
		}
		if request := p.container.Resources.Requests.Memory().Value(); request < full {
			t.Errorf("%s: requests %d MiB", name, request>>20)
		}
	}
}

// mebibytes returns a figure of a document, in bytes.
func mebibytes(t *testing.T, path, pattern string) int64 {
	t.Helper()
	match := regexp.MustCompile(pattern).FindStringSubmatch(read(t, path))
	if match == nil {
		t.Fatalf("%s says nothing like %q any more", path, pattern)
	}
	quantity, err := resource.ParseQuantity(fmt.Sprint(match[1], "Mi"))
	if err != nil {
		t.Fatal(err)
	}
	return quantity.Value()
}

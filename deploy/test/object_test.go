package deploy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	strictjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// object is a Kubernetes object, as JSON.
type object struct {
	Kind, Name string
	JSON       []byte
}

func (o object) String() string { return o.Kind + "/" + o.Name }

// types are those of the objects that may be made, and nothing else is.
var types = map[string]func() any{
	"apps/v1 Deployment":                      func() any { return new(appsv1.Deployment) },
	"autoscaling/v2 HorizontalPodAutoscaler":  func() any { return new(autoscalingv2.HorizontalPodAutoscaler) },
	"cert-manager.io/v1 Certificate":          func() any { return new(certificate) },
	"cert-manager.io/v1 Issuer":               func() any { return new(issuer) },
	"monitoring.coreos.com/v1 PrometheusRule": func() any { return new(prometheusRule) },
	"monitoring.coreos.com/v1 ServiceMonitor": func() any { return new(serviceMonitor) },
	"networking.k8s.io/v1 Ingress":            func() any { return new(networkingv1.Ingress) },
	"networking.k8s.io/v1 NetworkPolicy":      func() any { return new(networkingv1.NetworkPolicy) },
	"policy/v1 PodDisruptionBudget":           func() any { return new(policyv1.PodDisruptionBudget) },
	"v1 ConfigMap":                            func() any { return new(corev1.ConfigMap) },
	"v1 Service":                              func() any { return new(corev1.Service) },
	"v1 ServiceAccount":                       func() any { return new(corev1.ServiceAccount) },
}

// objects reads manifests. A repeated key, a field that the object's type lacks (the API server
// drops it) and a second object of one kind and name are errors.
func objects(manifests []byte) ([]object, error) {
	var all []object
	seen := map[string]bool{}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(manifests)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := yaml.YAMLToJSONStrict(document)
		if err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, document)
		}
		if string(content) == "null" {
			continue
		}
		o, err := parse(content)
		if err != nil {
			return nil, err
		}
		if seen[o.String()] {
			return nil, fmt.Errorf("%s is there twice", o)
		}
		seen[o.String()] = true
		all = append(all, o)
	}
}

func parse(content []byte) (object, error) {
	var head struct {
		APIVersion, Kind string
		Metadata         struct{ Name string }
	}
	if err := yaml.Unmarshal(content, &head); err != nil {
		return object{}, err
	}
	o := object{Kind: head.Kind, Name: head.Metadata.Name, JSON: content}
	typed, ok := types[head.APIVersion+" "+head.Kind]
	if !ok || o.Name == "" {
		return object{}, fmt.Errorf("%s %s is not meant", head.APIVersion, o)
	}
	return o, o.into(typed())
}

// into decodes an object; a field that its type lacks is an error, in another case too.
func (o object) into(typed any) error {
	faults, err := strictjson.UnmarshalStrict(o.JSON, typed)
	if err == nil && len(faults) > 0 {
		err = faults[0]
	}
	if err != nil {
		return fmt.Errorf("%s: %w", o, err)
	}
	return nil
}

// find returns an object of type T, by its kind and name.
func find[T any](t *testing.T, all []object, kind, name string) *T {
	t.Helper()
	for _, o := range all {
		if o.Kind == kind && o.Name == name {
			typed := new(T)
			if err := o.into(typed); err != nil {
				t.Fatal(err)
			}
			return typed
		}
	}
	t.Fatalf("there is no %s/%s among %s", kind, name, all)
	return nil
}

func TestMistakesInManifestsAreFound(t *testing.T) {
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
	const issuer = "apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: {name: a}\n"
	for name, test := range map[string]struct{ manifests, says string }{
		"unknown field":            {service + "spec: {clusterIp: None}", `Service/a: unknown field "spec.clusterIp"`},
		"repeated key":             {service + "spec: {}\nspec: {}", `key "spec" already set in map`},
		"wrong type":               {service + "spec: {ports: 1}", "cannot unmarshal number"},
		"unknown kind":             {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}", "v1 Pod/a is not meant"},
		"without a name":           {"apiVersion: v1\nkind: Service", "v1 Service/ is not meant"},
		"one object twice":         {service + "---\n" + service, "Service/a is there twice"},
		"of a custom kind":         {issuer + "spec: {acme: {}}", `unknown field "spec.acme"`},
		"a missing line of dashes": {service + service, "already set in map"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := objects([]byte(test.manifests))
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %s", err, test.says)
			}
		})
	}
}

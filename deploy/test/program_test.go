package deploy

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// place is a Deployment with the container of kinde-authz in it.
type place struct {
	objects    []object
	deployment *appsv1.Deployment
	container  corev1.Container
}

// places are all ways in which kinde-authz is deployed.
func places(t *testing.T) map[string]place {
	t.Helper()
	all := map[string]place{}
	add := func(name string, objects []object, deployment string) {
		p := place{objects: objects, deployment: find[appsv1.Deployment](t, objects, "Deployment", deployment)}
		spec := p.deployment.Spec.Template.Spec
		for _, container := range append(spec.InitContainers, spec.Containers...) {
			if container.Name == "kinde-authz" {
				p.container = container
			}
		}
		if p.container.Image == "" {
			t.Fatalf("%s: there is no container kinde-authz", name)
		}
		all[name] = p
	}
	add("base", kustomize(t, "base"), "kinde-authz")
	add("mtls", kustomize(t, "overlays/mtls"), "kinde-authz")
	add("sidecar", kustomize(t, "overlays/sidecar"), "envoy")
	add("chart", template(t, "kinde-authz", least), "kinde-authz")
	add("chart of another name", template(t, "edge", least), "edge-kinde-authz")
	return all
}

// value returns a variable of the container's environment.
func (p place) value(name string) string {
	for _, variable := range p.container.Env {
		if variable.Name == name {
			return variable.Value
		}
	}
	return ""
}

// help is what the program says of its flags, each on one line.
func help(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, "serve", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

func TestEnvironmentIsWhatTheProgramReads(t *testing.T) {
	flags := help(t)
	for name, p := range places(t) {
		t.Run(name, func(t *testing.T) {
			if p.value("KINDE_AUTHZ_CONFIG") == "" {
				t.Error("no settings file is named")
			}
			for _, variable := range p.container.Env {
				if variable.Name != "GOMAXPROCS" && !strings.Contains(flags, "($"+variable.Name+")") {
					t.Errorf("%s is not read", variable.Name)
				}
			}
		})
	}
}

// port returns a default of the program.
func port(t *testing.T, flag string) int32 {
	t.Helper()
	var number int32
	match := regexp.MustCompile(flag + `=ADDRESS .*?Default: :(\d+)`).FindStringSubmatch(help(t))
	if match == nil {
		t.Fatalf("%s has no default any more", flag)
	}
	if _, err := fmt.Sscan(match[1], &number); err != nil {
		t.Fatal(err)
	}
	return number
}

func TestPortsAreThoseOfTheProgram(t *testing.T) {
	grpc, admin := port(t, "--listen"), port(t, "--admin-listen")
	for name, p := range places(t) {
		t.Run(name, func(t *testing.T) {
			byName := map[string]int32{}
			for _, port := range p.container.Ports {
				byName[port.Name] = port.ContainerPort
			}
			if name == "sidecar" {
				if len(byName) != 1 || byName["authz-admin"] != admin {
					t.Errorf("ports are %v", byName)
				}
				return
			}
			if len(byName) != 2 || byName["grpc"] != grpc || byName["admin"] != admin {
				t.Errorf("ports are %v", byName)
			}
			checkServicePorts(t, p, grpc, admin)
		})
	}
	for path, want := range map[string]string{
		"envoy.yaml": fmt.Sprintf("address: kinde-authz, port_value: %d", grpc),
		"Dockerfile": fmt.Sprintf("EXPOSE %d %d", grpc, admin),
	} {
		if !strings.Contains(read(t, path), want) {
			t.Errorf("%s has no %q", path, want)
		}
	}
}

func checkServicePorts(t *testing.T, p place, grpc, admin int32) {
	t.Helper()
	service := find[corev1.Service](t, p.objects, "Service", p.deployment.Name)
	if service.Spec.ClusterIP != corev1.ClusterIPNone {
		t.Error("the Service is not headless: Envoy's connections would stay with one replica")
	}
	want := map[string]int32{"grpc grpc": grpc, "admin http": admin}
	for _, port := range service.Spec.Ports {
		key := port.Name + " " + *port.AppProtocol
		if want[key] != port.Port || port.TargetPort.String() != port.Name {
			t.Errorf("port %+v, want %v", port, want)
		}
		delete(want, key)
	}
	if len(want) > 0 {
		t.Errorf("the Service has no %v", want)
	}
	policy := find[networkingv1.NetworkPolicy](t, p.objects, "NetworkPolicy", p.deployment.Name)
	for i, port := range []string{"grpc", "admin"} {
		if ports := policy.Spec.Ingress[i].Ports; len(ports) != 1 || ports[0].Port.String() != port {
			t.Errorf("rule %d lets in to %v", i, ports)
		}
	}
}

// What a Pod is given to stop in is more than the service may take.
func TestGracePeriodIsLongerThanTheDrain(t *testing.T) {
	stopTimeout := regexp.MustCompile(`stopTimeout = (\d+) \* time\.Second`)
	match := stopTimeout.FindStringSubmatch(read(t, "cmd/kinde-authz/drain.go"))
	if match == nil {
		t.Fatal("drain.go does not say any more how long it waits for calls in flight")
	}
	calls, err := time.ParseDuration(match[1] + "s")
	if err != nil {
		t.Fatal(err)
	}
	all := places(t)
	values := least + "drainDelaySeconds: 45"
	slow := template(t, "kinde-authz", values)
	all[values] = place{slow, find[appsv1.Deployment](t, slow, "Deployment", "kinde-authz"), corev1.Container{
		Env: []corev1.EnvVar{{Name: "KINDE_AUTHZ_DRAIN_DELAY", Value: "45s"}}}}
	for name, p := range all {
		t.Run(name, func(t *testing.T) {
			drain, err := time.ParseDuration(p.value("KINDE_AUTHZ_DRAIN_DELAY"))
			if err != nil {
				t.Fatal(err)
			}
			spec := p.deployment.Spec.Template.Spec
			if hook := spec.Containers[0].Lifecycle; hook != nil {
				drain += time.Duration(hook.PreStop.Sleep.Seconds) * time.Second
			}
			if drain < 10*time.Second {
				t.Errorf("Envoy has %s to turn away", drain)
			}
			grace := time.Duration(*spec.TerminationGracePeriodSeconds) * time.Second
			if spare := grace - drain - calls; spare < 5*time.Second {
				t.Errorf("a grace period of %s leaves %s to spare", grace, spare)
			}
		})
	}
}

// The name and version of the image stand in several places.
func TestImageIsOne(t *testing.T) {
	want := "ghcr.io/kinde-authz/kinde-authz:" + loadChart(t).Metadata.AppVersion
	for name, p := range places(t) {
		if p.container.Image != want {
			t.Errorf("%s: %s, want %s", name, p.container.Image, want)
		}
	}
}

package deploy

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	corev1 "k8s.io/api/core/v1"
)

// The program starts as the containers start it, and answers their probes.
func TestContainersStartAndAnswerTheirProbes(t *testing.T) {
	for name, p := range places(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := start(t, p)
			for what, probe := range map[string]*corev1.Probe{
				"startup": p.container.StartupProbe, "readiness": p.container.ReadinessProbe,
				"liveness": p.container.LivenessProbe,
			} {
				if probe == nil && what == "startup" {
					continue
				}
				// Its issuer cannot be reached: it lives, and is not ready.
				if got, want := i.passes(t, p, probe), what != "readiness"; got != want {
					t.Errorf("%s passes: %t, want %t", what, got, want)
				}
			}
		})
	}
}

// instance is a program that runs.
type instance struct {
	grpc, admin string
	authority   *authority // of its certificate, where it has one
}

// start runs the program with the arguments, environment and files of a
// container, on other ports.
func start(t *testing.T, p place) instance {
	t.Helper()
	dir, err := os.MkdirTemp("", "kinde") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	ca := newAuthority(t)
	for _, mount := range p.container.VolumeMounts {
		p.mount(t, ca, dir, mount)
	}
	args := append(append([]string{}, p.container.Args...), "--admin-listen", "127.0.0.1:0")
	if p.value("KINDE_AUTHZ_LISTEN") == "" {
		args = append(args, "--listen", "127.0.0.1:0")
	}
	command := exec.Command(program, args...)
	for _, variable := range p.container.Env {
		for _, mount := range p.container.VolumeMounts {
			variable.Value = strings.Replace(variable.Value, mount.MountPath+"/", filepath.Join(dir, mount.Name)+"/", 1)
		}
		command.Env = append(command.Env, variable.Name+"="+variable.Value)
	}
	log, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	deadline := time.AfterFunc(30*time.Second, func() { _ = command.Process.Kill() })
	defer deadline.Stop()
	i := listening(t, bufio.NewScanner(log))
	i.authority = ca
	return i
}

// mount writes the files of a volume.
func (p place) mount(t *testing.T, ca *authority, dir string, mount corev1.VolumeMount) {
	t.Helper()
	folder := filepath.Join(dir, mount.Name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, volume := range p.deployment.Spec.Template.Spec.Volumes {
		switch {
		case volume.Name != mount.Name:
		case volume.ConfigMap != nil:
			files = find[corev1.ConfigMap](t, p.objects, "ConfigMap", volume.ConfigMap.Name).Data
		case volume.Secret != nil:
			files = ca.issue(t, secretOf(t, p.objects, volume.Secret.SecretName))
		}
	}
	for name, content := range files {
		content = strings.ReplaceAll(content, "https://yourapp.kinde.com", "https://127.0.0.1:1") // nobody listens
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// secretOf returns the Certificate that a Secret is made for.
func secretOf(t *testing.T, all []object, name string) *certificate {
	t.Helper()
	for _, o := range all {
		var wanted certificate
		if o.Kind != "Certificate" {
			continue
		}
		if err := o.into(&wanted); err != nil {
			t.Fatal(err)
		}
		if wanted.Spec.SecretName == name {
			return &wanted
		}
	}
	t.Fatalf("nobody makes the Secret %s", name)
	return nil
}

// listening waits for the line that tells the ports.
func listening(t *testing.T, log *bufio.Scanner) instance {
	t.Helper()
	var printed []string
	for log.Scan() {
		printed = append(printed, log.Text())
		var entry struct {
			Message string `json:"msg"`
			GRPC    string `json:"listen"`
			Admin   string `json:"admin_listen"`
		}
		if json.Unmarshal(log.Bytes(), &entry) == nil && entry.Message == "serving" {
			go func() {
				for log.Scan() { // so that it is not held up
				}
			}()
			return instance{grpc: entry.GRPC, admin: entry.Admin}
		}
	}
	t.Fatalf("it did not start:\n%s", strings.Join(printed, "\n"))
	return instance{}
}

// passes does what the kubelet does with a probe.
func (i instance) passes(t *testing.T, p place, probe *corev1.Probe) bool {
	t.Helper()
	if probe.GRPC != nil {
		if probe.GRPC.Port != p.container.Ports[0].ContainerPort {
			t.Errorf("the probe asks port %d", probe.GRPC.Port)
		}
		return i.healthy(t, *probe.GRPC.Service)
	}
	if port := probe.HTTPGet.Port.String(); port != p.container.Ports[len(p.container.Ports)-1].Name {
		t.Errorf("the probe asks port %s", port)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+i.admin+probe.HTTPGet.Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return true
	case http.StatusServiceUnavailable:
		return false
	}
	t.Errorf("%s: %s", probe.HTTPGet.Path, response.Status)
	return false
}

func (i instance) healthy(t *testing.T, service string) bool {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+i.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	answer, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{Service: service})
	if err != nil {
		t.Fatalf("health of %s: %v", service, err)
	}
	return answer.Status == healthv1.HealthCheckResponse_SERVING
}

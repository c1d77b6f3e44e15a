package deploy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// envoy is the path of a real Envoy.
var envoy = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("../../scripts/envoy").Output()
	return strings.TrimSpace(string(out)), err
})

// edit is one change of a text. What it replaces must be there exactly once.
type edit struct{ own, instead string }

func edited(t *testing.T, text string, edits ...edit) string {
	t.Helper()
	for _, e := range edits {
		if strings.Count(text, e.own) != 1 {
			t.Fatalf("want %q exactly once", e.own)
		}
		text = strings.Replace(text, e.own, e.instead, 1)
	}
	return text
}

// between returns the part of a text from one phrase to before another.
func between(t *testing.T, text, from, to string) string {
	t.Helper()
	_, after, found := strings.Cut(text, from)
	part, _, ended := strings.Cut(after, to)
	if !found || !ended {
		t.Fatalf("want %q and then %q", from, to)
	}
	return from + part
}

const sidecarEnvoy = "deploy/kubernetes/overlays/sidecar/envoy.yaml"

// The Envoy of the sidecar is configured as the project's, but for where it finds kinde-authz.
func TestSidecarEnvoyIsTheProjects(t *testing.T) {
	config := read(t, "envoy.yaml")
	cluster := between(t, config, "  - name: kinde_authz\n", "  - name: agent\n")
	beside := edited(t, cluster,
		edit{between(t, cluster, "    cluster_type:\n", "    lb_policy:"), ""},
		edit{"socket_address: {address: kinde-authz, port_value: 9191}", strings.TrimSpace(snippets(t)["pipe"])},
	)
	made(t, sidecarEnvoy, "# Made of the project's envoy.yaml: go test ./... -run Sidecar -update in deploy/test.\n"+
		edited(t, config, edit{cluster, beside}))
}

// mtlsEnvoy is the project's envoy.yaml with the lines that docs/kubernetes.md gives.
func mtlsEnvoy(t *testing.T) string {
	t.Helper()
	lines := strings.ReplaceAll(strings.TrimSpace(snippets(t)["transport_socket"]), "\n", "\n    ")
	own := "  - name: kinde_authz\n"
	return edited(t, read(t, "envoy.yaml"), edit{own, own + "    " + lines + "\n"})
}

// A request comes through Envoy to kinde-authz, over the socket and with certificates on both
// sides, as the manifests arrange it.
func TestEnvoyReachesKindeAuthz(t *testing.T) {
	all := places(t)
	t.Run("sidecar", func(t *testing.T) {
		t.Parallel()
		i := start(t, all["sidecar"])
		folder := shared(t, all["sidecar"]) // in Envoy's container
		checkDenial(t, edited(t, read(t, sidecarEnvoy), edit{folder + "/", filepath.Dir(i.grpc) + "/"}), nil)
	})
	t.Run("mtls", func(t *testing.T) {
		t.Parallel()
		i := start(t, all["mtls"])
		host, port, err := net.SplitHostPort(i.grpc)
		if err != nil {
			t.Fatal(err)
		}
		sds := client(t, i.authority)
		checkDenial(t, edited(t, mtlsEnvoy(t),
			edit{"address: kinde-authz, port_value: 9191", "address: " + host + ", port_value: " + port},
			edit{"/etc/kinde-authz-sds/certificate.yaml", filepath.Join(sds, "certificate.yaml")},
			edit{"/etc/kinde-authz-sds/authority.yaml", filepath.Join(sds, "authority.yaml")}), nil)
	})
	t.Run("exposed", func(t *testing.T) {
		t.Parallel()
		i := start(t, all["base"])
		host, port, err := net.SplitHostPort(i.grpc)
		if err != nil {
			t.Fatal(err)
		}
		authority := newAuthority(t)
		checkDenial(t, edited(t, exposedEnvoy(t),
			edit{"address: kinde-authz, port_value: 9191", "address: \"" + host + "\", port_value: " + port},
			edit{"/etc/envoy-sds/certificate.yaml", served(t, authority)}), authority)
	})
}

// shared returns where Envoy finds the folder in which kinde-authz listens.
func shared(t *testing.T, p place) string {
	t.Helper()
	socket := strings.TrimPrefix(p.value("KINDE_AUTHZ_LISTEN"), "unix:")
	for _, own := range p.container.VolumeMounts {
		for _, mount := range p.deployment.Spec.Template.Spec.Containers[0].VolumeMounts {
			if own.MountPath == filepath.Dir(socket) && own.Name == mount.Name {
				return mount.MountPath
			}
		}
	}
	t.Fatalf("Envoy has no part in %s", socket)
	return ""
}

// The sidecar starts before Envoy, goes on running, and is stopped after it; both are one user,
// who alone may write to the socket.
func TestSidecarRunsAsLongAsEnvoy(t *testing.T) {
	p := places(t)["sidecar"]
	spec := p.deployment.Spec.Template.Spec
	envoy := spec.Containers[0]
	if len(spec.InitContainers) != 1 || len(spec.Containers) != 1 || envoy.Name != "envoy" {
		t.Fatalf("%d init containers and %d containers", len(spec.InitContainers), len(spec.Containers))
	}
	if policy := p.container.RestartPolicy; policy == nil || *policy != corev1.ContainerRestartPolicyAlways {
		t.Error("it is an init container, for whose end Envoy waits")
	}
	if p.container.StartupProbe == nil {
		t.Error("Envoy starts before the socket is there")
	}
	if *envoy.SecurityContext.RunAsUser != *p.container.SecurityContext.RunAsUser {
		t.Error("Envoy may not write to the socket")
	}
	if p.value("KINDE_AUTHZ_DRAIN_DELAY") != "0s" {
		t.Error("it goes on when Envoy has gone")
	}
}

// client writes what Envoy is given of components/envoy-mtls, and returns the folder.
func client(t *testing.T, a *authority) string {
	t.Helper()
	dir := t.TempDir()
	cert := find[certificate](t, kustomize(t, "overlays/mtls"), "Certificate", "kinde-authz-client")
	files := a.issue(t, cert)
	for _, name := range []string{"certificate.yaml", "authority.yaml"} {
		content := read(t, "deploy/kubernetes/components/envoy-mtls/"+name)
		files[name] = strings.ReplaceAll(content, "/etc/kinde-authz-client", dir)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// checkDenial starts Envoy and waits until a request without a token is denied by kinde-authz.
// With an authority, Envoy's certificate is to be of it.
func checkDenial(t *testing.T, config string, trusted *authority) {
	t.Helper()
	dir, err := os.MkdirTemp("", "kinde") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket, path := filepath.Join(dir, "http"), filepath.Join(dir, "envoy.yaml")
	config = edited(t, config,
		edit{"socket_address: {address: 0.0.0.0, port_value: 8080}", "pipe: {path: " + socket + "}"},
		edit{"address: 127.0.0.1, port_value: 9901", "address: 127.0.0.1, port_value: 0"},
		edit{"{address: agent, port_value: 8000}", "{address: 127.0.0.1, port_value: 1}"})
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	log, ended := runEnvoy(t, path)
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
		DisableKeepAlives: true,
	}}
	url := "http://localhost/"
	if trusted != nil {
		pool := x509.NewCertPool()
		pool.AddCert(trusted.cert)
		client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		url = "https://localhost/"
	}
	deadline, tick := time.After(40*time.Second), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for {
		got := ask(t, client, url)
		if strings.HasPrefix(got, "401 ") && strings.Contains(got, `"reason":"missing_token"`) {
			return
		}
		select {
		case <-ended:
			t.Fatalf("Envoy ended:\n%s", log())
		case <-deadline:
			t.Fatalf("got %s\n%s", got, log())
		case <-tick.C:
		}
	}
}

func ask(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return response.Status + " " + string(body)
}

// runEnvoy runs Envoy as its container does, until the test ends, and returns how to read what it
// printed, and what is closed when it ends by itself.
func runEnvoy(t *testing.T, config string) (log func() string, ended chan struct{}) {
	t.Helper()
	container := deployments(t)["envoy"].Spec.Template.Spec.Containers[0]
	args := []string{"--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"}
	for _, arg := range container.Args {
		arg = strings.ReplaceAll(arg, "$("+container.Env[0].Name+")", "pod")
		args = append(args, strings.Replace(arg, "/etc/envoy/envoy.yaml", config, 1))
	}
	path, err := envoy()
	if err != nil {
		t.Fatal("scripts/envoy: ", err)
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, args...)
	command.Stdout, command.Stderr = out, out
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended = make(chan struct{})
	go func() { defer close(ended); _ = command.Wait() }()
	t.Cleanup(func() { _ = command.Process.Kill(); <-ended; _ = out.Close() })
	return func() string {
		content, err := os.ReadFile(out.Name())
		if err != nil {
			return err.Error()
		}
		return string(content)
	}, ended
}

// Envoy's Service, its container and its configuration speak of one port.
func TestEnvoysPortIsOne(t *testing.T) {
	all := kustomize(t, "envoy")
	service := find[corev1.Service](t, all, "Service", "envoy").Spec
	pod := find[appsv1.Deployment](t, all, "Deployment", "envoy").Spec.Template
	port := pod.Spec.Containers[0].Ports[0]
	if !selects(t, &metav1.LabelSelector{MatchLabels: service.Selector}, pod.Labels) ||
		service.Ports[0].TargetPort.String() != port.Name {
		t.Errorf("the Service leads to %+v", service)
	}
	listener := fmt.Sprintf("{address: 0.0.0.0, port_value: %d}", port.ContainerPort)
	if !strings.Contains(read(t, "envoy.yaml"), listener) {
		t.Errorf("envoy.yaml does not listen at %s", listener)
	}
}

// The versions of Envoy that run here and there are one.
func TestEnvoyIsOfOneVersion(t *testing.T) {
	version := versions(t)["ENVOY_VERSION"]
	for path, want := range map[string]string{
		"docker-compose.yml": "image: envoyproxy/envoy:v" + version + "\n",
		"scripts/envoy":      "version=${ENVOY_VERSION:-" + version + "}\n",
		"deploy/kubernetes/envoy/kustomization.yaml": "newTag: v" + version + "\n",
	} {
		if !strings.Contains(read(t, path), want) {
			t.Errorf("%s: want %q", path, want)
		}
	}
}

package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
)

// minEnvoy is the oldest 1.x release of Envoy that is used from PATH.
const minEnvoy = 36

var envoyVersion = regexp.MustCompile(`/1\.(\d+)\.\d+`)

// FindEnvoy returns the path of an Envoy: the one that the variable ENVOY
// names, or envoy on PATH from 1.36 on, or the one that make fetched to
// .tools/ below dir.
func FindEnvoy(dir string) (string, error) {
	if path := os.Getenv("ENVOY"); path != "" {
		if _, err := exec.LookPath(path); err != nil {
			return "", fmt.Errorf("ENVOY: %w: want the path of an Envoy", err)
		}
		return path, nil
	}
	if path, err := exec.LookPath("envoy"); err == nil {
		out, _ := exec.Command(path, "--version").Output()
		if minor := envoyVersion.FindSubmatch(out); minor != nil {
			if n, _ := strconv.Atoi(string(minor[1])); n >= minEnvoy {
				return path, nil
			}
		}
	}
	if fetched, _ := filepath.Glob(filepath.Join(dir, ".tools", "envoy-*", "envoy")); len(fetched) > 0 {
		return fetched[len(fetched)-1], nil
	}
	return "", errors.New("no Envoy: run make up, which fetches one, or set ENVOY to the path of one")
}

// addresses are what the project's envoy.yaml is filled in with.
type addresses struct{ listener, admin, authz, agent string }

// fill returns the configuration with the addresses in place of its own, and
// nothing else changed.
func (a addresses) fill(config string) (string, error) {
	for _, address := range []struct{ own, instead string }{
		{"0.0.0.0, port_value: 8080", a.listener},
		{"127.0.0.1, port_value: 9901", a.admin},
		{"kinde-authz, port_value: 9191", a.authz},
		{"agent, port_value: 8000", a.agent},
	} {
		host, port, err := net.SplitHostPort(address.instead)
		if err != nil {
			return "", err
		}
		own := "socket_address: {address: " + address.own + "}"
		if strings.Count(config, own) != 1 {
			return "", fmt.Errorf("envoy.yaml: want %q exactly once", own)
		}
		config = strings.Replace(config, own, fmt.Sprintf("socket_address: {address: %q, port_value: %s}", host, port), 1)
	}
	return config, nil
}

// startEnvoy starts Envoy and learns its ports, which the kernel may have
// chosen.
func (s *Stack) startEnvoy(ctx context.Context, config Config, a addresses) error {
	template, err := os.ReadFile(config.EnvoyConfig)
	if err != nil {
		return fmt.Errorf("the configuration of Envoy: %w", err)
	}
	filled, err := a.fill(string(template))
	if err != nil {
		return err
	}
	path, adminPath := filepath.Join(s.dir, "envoy.yaml"), filepath.Join(s.dir, "admin")
	if err := os.WriteFile(path, []byte(filled), 0o600); err != nil {
		return err
	}
	s.Envoy, err = process.Start(exec.Command(config.Envoy, "-c", path, "--admin-address-path", adminPath,
		"--concurrency", "2", "--disable-hot-restart", "--file-flush-interval-msec", "200", "--log-level", "warning"),
		&s.EnvoyLog)
	if err != nil {
		return err
	}
	var admin string
	err = s.Envoy.Until(ctx, "Envoy's admin port", func() bool {
		address, err := os.ReadFile(adminPath)
		admin = string(address)
		return err == nil && admin != "" && answers(ctx, "http://"+admin+"/ready")
	})
	if err != nil {
		return err
	}
	s.EnvoyAdmin = "http://" + admin
	s.URL, err = listenerURL(ctx, s.EnvoyAdmin)
	return err
}

// listenerURL asks Envoy where it listens.
func listenerURL(ctx context.Context, admin string) (string, error) {
	body, err := get(ctx, admin+"/listeners?format=json")
	if err != nil {
		return "", err
	}
	var listeners struct {
		Statuses []struct {
			Address struct {
				Socket struct {
					Port int `json:"port_value"`
				} `json:"socket_address"`
			} `json:"local_address"`
		} `json:"listener_statuses"`
	}
	if err := json.Unmarshal(body, &listeners); err != nil {
		return "", err
	}
	if len(listeners.Statuses) != 1 {
		return "", fmt.Errorf("envoy has %d listeners, want 1", len(listeners.Statuses))
	}
	return fmt.Sprintf("http://localhost:%d", listeners.Statuses[0].Address.Socket.Port), nil
}

func answers(ctx context.Context, url string) bool {
	_, err := get(ctx, url)
	return err == nil
}

// routes reports whether Envoy takes kinde-authz for healthy.
func (s *Stack) routes(ctx context.Context) bool {
	body, err := get(ctx, s.EnvoyAdmin+"/stats?filter=^cluster.kinde_authz.membership_healthy$")
	return err == nil && strings.TrimSpace(string(body)) == "cluster.kinde_authz.membership_healthy: 1"
}

// get returns the body of an answer of 200.
func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered with status %d", url, response.StatusCode)
	}
	return body, err
}

// client makes short requests to the stack's own ports.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

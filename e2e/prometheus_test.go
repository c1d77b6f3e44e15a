//go:build deploy

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
)

const observability = "../deploy/observability/"

// prometheus is a real one that scrapes and evaluates every second.
type prometheus struct {
	url     string
	process *process.Process
}

// startPrometheus starts the one that $PROMETHEUS names with rules in quick motion and
// those targets.
func startPrometheus(t *testing.T, targets ...string) *prometheus {
	t.Helper()
	dir := t.TempDir()
	rules, err := os.ReadFile(observability + "rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "rules.yaml"), quick(string(rules)))
	config := filepath.Join(dir, "prometheus.yaml")
	write(t, config, fmt.Sprintf("global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"+
		"rule_files: [rules.yaml]\nscrape_configs: [{job_name: kinde-authz, static_configs: [{targets: [%s]}]}]\n",
		strings.Join(targets, ", ")))
	address := "127.0.0.1:" + freePort(t)
	command := exec.Command(os.Getenv("PROMETHEUS"), "--config.file", config, "--web.listen-address", address,
		"--storage.tsdb.path", filepath.Join(dir, "data"), "--log.level", "warn")
	p := &prometheus{"http://" + address, run(t, command, new(process.Log))}
	until(t, p.process, "Prometheus", func() bool {
		response, err := http.Get(p.url + "/-/ready")
		if err == nil {
			response.Body.Close()
		}
		return err == nil && response.StatusCode == http.StatusOK
	})
	return p
}

// quick shortens every time of the rules: some hours of a fault are some seconds then.
func quick(rules string) string {
	short := strings.NewReplacer("5m", "10s", "10m", "10s", "30m", "20s", "1h", "20s", "6h", "25s",
		"1d", "30s", "3d", "30s")
	rules = regexp.MustCompile(`\[\w+\]`).ReplaceAllStringFunc(rules, short.Replace)
	rules = strings.ReplaceAll(rules, "offset 30m", "offset 15s")
	rules = strings.NewReplacer(" * 3600", "", "7 * 86400", "600").Replace(rules)
	return regexp.MustCompile(`(?m)for: \w+$`).ReplaceAllString(rules, "for: 1s")
}

// series returns how many series a query has now.
func (p *prometheus) series(t *testing.T, query string) int {
	t.Helper()
	response, err := http.Get(p.url + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Error string
		Data  struct{ Result []json.RawMessage }
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Error != "" {
		t.Fatalf("%s: %s %v", query, answer.Error, err)
	}
	return len(answer.Data.Result)
}

// fires waits until an alert does.
func (p *prometheus) fires(t *testing.T, alerts ...string) {
	t.Helper()
	for _, alert := range alerts {
		eventually(t, alert+" fires", func() bool {
			return p.series(t, fmt.Sprintf(`ALERTS{alertname=%q, alertstate="firing"}`, alert)) > 0
		})
		t.Log(alert, "fires")
	}
}

// quiet waits until none of these alerts fires.
func (p *prometheus) quiet(t *testing.T, alerts string) {
	t.Helper()
	eventually(t, "none fires of "+alerts, func() bool {
		return p.series(t, fmt.Sprintf(`ALERTS{alertname=~%q, alertstate="firing"}`, alerts)) == 0
	})
}

// dashboardQueries are those of the panels, as Grafana sends them when all is chosen.
func dashboardQueries(t *testing.T) (queries []string) {
	t.Helper()
	content, err := os.ReadFile(observability + "grafana/kinde-authz.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(content, &board); err != nil {
		t.Fatal(err)
	}
	chosen := strings.NewReplacer("$__rate_interval", "10s", "$namespace", ".*", "$instance", ".*")
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			queries = append(queries, chosen.Replace(target.Expr))
		}
	}
	return queries
}

// empty returns those of the queries that have no series now.
func (p *prometheus) empty(t *testing.T, queries []string) []string {
	t.Helper()
	return slices.DeleteFunc(queries, func(query string) bool { return p.series(t, query) > 0 })
}

// The real program reads rules and configuration, and runs the rules' own tests.
func TestObservabilityRules(t *testing.T) {
	for _, args := range [][]string{
		{"check", "rules", "--lint-fatal", "rules.yaml"}, {"test", "rules", "rules_test.yaml"},
		{"check", "config", "--syntax-only", "prometheus.yaml"},
	} {
		command := exec.CommandContext(t.Context(), os.Getenv("PROMTOOL"), args...)
		command.Dir = observability
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

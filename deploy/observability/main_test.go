package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// alert is a rule that alerts.
type alert struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func alerts(t *testing.T) (all []alert) {
	t.Helper()
	var rules struct {
		Groups []struct {
			Rules []alert `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "rules.yaml")), &rules); err != nil {
		t.Fatal(err)
	}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			if rule.Alert != "" {
				all = append(all, rule)
			}
		}
	}
	return all
}

func TestFilesAreThoseThatAreMade(t *testing.T) {
	files, err := made(".")
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range files {
		if !bytes.Equal([]byte(read(t, path)), content) {
			t.Errorf("%s is out of step: go run . in deploy/observability", filepath.Base(path))
		}
	}
}

// Each alert says what is wrong and leads to its own section, which says what to do.
func TestAlertsSayWhatIsWrong(t *testing.T) {
	for _, a := range alerts(t) {
		if a.Annotations["summary"] == "" || a.Annotations["description"] == "" || len(a.Annotations) != 3 {
			t.Errorf("%s has the annotations %v, want summary, description and runbook_url", a.Alert, a.Annotations)
		}
		if got, want := a.Annotations["runbook_url"], "docs/operations.md#"+strings.ToLower(a.Alert); got != want {
			t.Errorf("%s: runbook_url %s, want %s", a.Alert, got, want)
		}
		if severity := a.Labels["severity"]; severity != "critical" && severity != "warning" {
			t.Errorf("%s has the severity %q", a.Alert, severity)
		}
	}
}

// Each alert has a section with the three questions, and each section an alert.
func TestRunbookIsThatOfTheAlerts(t *testing.T) {
	var want, got []string
	for _, a := range alerts(t) {
		want = append(want, a.Alert)
	}
	_, sections, _ := strings.Cut(read(t, "../../docs/operations.md"), "\n## Alerts\n")
	sections, _, _ = strings.Cut(sections, "\n## ")
	for _, section := range strings.Split(sections, "\n### ")[1:] {
		name, text, _ := strings.Cut(section, "\n")
		got = append(got, name)
		for _, part := range []string{"**Means**", "**Look**", "**Do**"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s lacks %s", name, part)
			}
		}
	}
	if want = slices.Compact(want); !slices.Equal(got, want) {
		t.Errorf("the sections are\n%v, want those of the alerts\n%v", got, want)
	}
}

// A rule without a test in rules_test.yaml may never fire.
func TestEveryAlertHasATest(t *testing.T) {
	tests := read(t, "rules_test.yaml")
	for _, a := range alerts(t) {
		if len(regexp.MustCompile(`alertname: `+a.Alert+`\b`).FindAllString(tests, -1)) < 2 {
			t.Errorf("%s: want a test where it fires and one where it does not", a.Alert)
		}
	}
}

// What rules and dashboard ask for is there: the table of docs/operations.md is compared
// with the program by a test of its own.
func TestMetricsAreThoseOfTheProgram(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| `(kinde_authz_\\w+)`")
	metrics := rows.FindAllStringSubmatch(read(t, "../../docs/operations.md"), -1)
	if len(metrics) < 10 {
		t.Fatalf("docs/operations.md names %d metrics", len(metrics))
	}
	for _, path := range []string{"rules.yaml", "grafana/kinde-authz.json", "../../docs/operations.md"} {
		for _, name := range regexp.MustCompile(`[\w:]*\bkinde_authz_\w+(:\w+)?`).FindAllString(read(t, path), -1) {
			known := strings.HasPrefix(name, "job") || slices.ContainsFunc(metrics, func(m []string) bool {
				return regexp.MustCompile(`^` + m[1] + `(_bucket|_count|_sum)?$`).MatchString(name)
			})
			if !known {
				t.Errorf("%s: the program has no metric %s", path, name)
			}
		}
	}
}

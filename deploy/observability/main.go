// Command observability makes what is made of other files: the Grafana dashboard, and of
// rules.yaml the PrometheusRule of Kustomize and the copy that the Helm chart reads.
//
//	cd deploy/observability && go run .
package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v4"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "observability:", err)
		os.Exit(1)
	}
}

// run writes each file, by its path from dir, the folder of this program.
func run(dir string) error {
	files, err := made(dir)
	if err != nil {
		return err
	}
	for path, content := range files {
		if err := os.WriteFile(filepath.Join(dir, path), content, 0o644); err != nil { //nolint:gosec // they are public
			return err
		}
	}
	return nil
}

// made returns the content of each file that is made.
func made(dir string) (map[string][]byte, error) {
	rules, err := fs.ReadFile(os.DirFS(dir), "rules.yaml")
	if err != nil {
		return nil, err
	}
	object, err := prometheusRule(rules)
	if err != nil {
		return nil, err
	}
	board, err := dashboardJSON()
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		"grafana/kinde-authz.json":                                    board,
		"../kubernetes/components/prometheusrule/prometheusrule.yaml": object,
		"../helm/kinde-authz/files/rules.yaml":                        rules,
	}, nil
}

// prometheusRule returns the rules as an object of the Prometheus Operator.
func prometheusRule(rules []byte) ([]byte, error) {
	var spec map[string]any
	if err := yaml.Unmarshal(rules, &spec); err != nil {
		return nil, fmt.Errorf("rules.yaml: %w", err)
	}
	var out bytes.Buffer
	out.WriteString("# Made of deploy/observability/rules.yaml by go run . there.\n")
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	err := encoder.Encode(map[string]any{
		"apiVersion": "monitoring.coreos.com/v1",
		"kind":       "PrometheusRule",
		"metadata": map[string]any{"name": "kinde-authz", "labels": map[string]string{
			"app.kubernetes.io/name": "kinde-authz", "app.kubernetes.io/instance": "kinde-authz",
		}},
		"spec": spec,
	})
	return out.Bytes(), err
}

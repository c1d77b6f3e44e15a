package result

import (
	"path/filepath"
	"slices"

	"github.com/kinde-authz/kinde-authz/e2e/bench/chart"
)

// panel is a metric in a chart of its own.
type panel struct {
	title, axis string
	metric      Metric
}

func (r *Result) drawTokens(folder string) error {
	return r.drawGrowth(filepath.Join(folder, "growth-tokens.svg"), GrowthTokens, "distinct tokens", []panel{
		{"CPU a warm decision", "µs a request", ServiceCPU},
		{"Resident memory", "MiB", Memory},
	})
}

func (r *Result) drawConnections(folder string) error {
	return r.drawGrowth(filepath.Join(folder, "growth-connections.svg"), GrowthConnections, "connections to Envoy", []panel{
		{"CPU of the service", "µs a request", ServiceCPU},
		{"Answers, one Envoy worker", "requests/s", Rate},
	})
}

// drawGrowth draws panels over the steps of a growth, a line for each variant.
func (r *Result) drawGrowth(path, group, axis string, panels []panel) error {
	cases := r.Cases(group)
	if len(cases) == 0 {
		return nil
	}
	var steps []float64
	byVariant := map[string][]string{}
	var variants []string
	for _, name := range cases {
		variant, n := step(name)
		if byVariant[variant] == nil {
			variants = append(variants, variant)
		}
		byVariant[variant] = append(byVariant[variant], name)
		if !slices.Contains(steps, n) {
			steps = append(steps, n)
		}
	}
	drawn := make([]chart.Panel, len(panels))
	for i, p := range panels {
		drawn[i] = chart.Panel{Title: p.title, Axis: p.axis}
		for _, variant := range variants {
			drawn[i].Series = append(drawn[i].Series, chart.Series{Name: variant, Values: r.values(group, byVariant[variant], p.metric)})
		}
	}
	return chart.Lines(path, axis, steps, drawn...)
}

package result

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/kinde-authz/kinde-authz/e2e/bench/chart"
)

// drawnConnections is under how many connections the charts show Envoy.
const drawnConnections = 64

// draw writes the charts whose figures were measured into a folder.
func (r *Result) draw(folder string) error {
	for _, draw := range []func(string) error{r.drawGRPC, r.drawEnvoy, r.drawIsolation, r.drawTokens, r.drawConnections} {
		if err := draw(folder); err != nil {
			return err
		}
	}
	for _, growth := range []struct{ group, axis, file string }{
		{GrowthRoutes, "routes, of which the last matches", "growth-routes.svg"},
		{GrowthIssuers, "issuers", "growth-issuers.svg"},
		{GrowthHeaders, "headers of a request", "growth-headers.svg"},
	} {
		err := r.drawGrowth(filepath.Join(folder, growth.file), growth.group, growth.axis, []panel{
			{"CPU a warm decision", "µs a request", ServiceCPU},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// values returns a metric of cases; what was not measured is 0.
func (r *Result) values(group string, cases []string, metric Metric) []float64 {
	values := make([]float64, len(cases))
	for i, name := range cases {
		values[i], _ = r.value(group, name, metric)
	}
	return values
}

func (r *Result) drawGRPC(folder string) error {
	cases := r.Cases(GroupGRPC)
	if len(cases) == 0 {
		return nil
	}
	values := r.values(GroupGRPC, cases, ServiceCPU)
	for i, name := range cases {
		if name == CaseRSA {
			values[i], _ = r.value(GroupGRPC, name, Operation)
		}
	}
	return chart.Bars(filepath.Join(folder, "grpc-cpu.svg"), "CPU a decision, on the gRPC port, 64 in flight", "µs a request",
		cases, chart.Stacked, chart.Series{Values: values})
}

// drawEnvoy draws the three charts of what stands behind Envoy.
func (r *Result) drawEnvoy(folder string) error {
	tail := ", " + Step(drawnConnections, "connections")
	var cases, variants []string
	for _, name := range r.Cases(GroupEnvoy) {
		if variant, ok := strings.CutSuffix(name, tail); ok {
			cases, variants = append(cases, name), append(variants, variant)
		}
	}
	if len(cases) == 0 {
		return nil
	}
	series := func(name string, metric Metric) chart.Series {
		return chart.Series{Name: name, Values: r.values(GroupEnvoy, cases, metric)}
	}
	err := chart.Bars(filepath.Join(folder, "envoy-cpu.svg"), "CPU a request behind Envoy"+tail, "µs a request",
		variants, chart.Stacked, series("service", ServiceCPU), series("Envoy", EnvoyCPU))
	if err != nil {
		return err
	}
	err = chart.Bars(filepath.Join(folder, "envoy-rate.svg"), "Requests a second behind Envoy, one worker"+tail, "requests/s",
		variants, chart.Stacked, series("", Rate))
	if err != nil {
		return err
	}
	return chart.Bars(filepath.Join(folder, "envoy-latency.svg"), "Latency behind Envoy"+tail, "µs",
		variants, chart.Grouped, series("p50", P50), series("p99", P99), series("p99.9", P999))
}

func (r *Result) drawIsolation(folder string) error {
	cases := []string{CaseAlone, CaseAmong, CaseElsewhere}
	if _, ok := r.value(GroupIsolation, CaseAmong, P99); !ok {
		return nil
	}
	series := func(name string, metric Metric) chart.Series {
		return chart.Series{Name: name, Values: r.values(GroupIsolation, cases, metric)}
	}
	return chart.Bars(filepath.Join(folder, "isolation.svg"), "Latency of good tokens at a fixed rate", "µs",
		cases, chart.Grouped, series("p50", P50), series("p99", P99), series("p99.9", P999))
}

var stepPattern = regexp.MustCompile(`^(?:(.+), )?([\d,]+) \w+$`)

// step reads a case of a growth: the variant, if any, and the number.
func step(name string) (variant string, n float64) {
	found := stepPattern.FindStringSubmatch(name)
	if found == nil {
		return name, 0
	}
	n, _ = strconv.ParseFloat(strings.ReplaceAll(found[2], ",", ""), 64) // digits alone
	return found[1], n
}

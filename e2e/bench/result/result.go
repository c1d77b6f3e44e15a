// Package result keeps the figures of a run, judges them by the targets, and
// writes them: as JSON, as Markdown, as SVG charts and in the format of Go's
// benchmarks. Most readers want [Result].
package result

import (
	"encoding/json"
	"os"
	"slices"
	"time"
)

// Result is what one run gave.
type Result struct {
	Machine Machine           `json:"machine"`
	Commit  string            `json:"commit"`
	Date    time.Time         `json:"date"`
	Flags   map[string]string `json:"flags"`
	Targets []Target          `json:"targets"`
	Figures []*Figure         `json:"figures"`
}

// Machine is what it ran on and with.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	Envoy  string `json:"envoy"`
	GRPC   string `json:"grpc"`
}

// Key names a figure: a group of cases, a case in it, and what of it was
// measured.
type Key struct {
	Group  string `json:"group"`
	Case   string `json:"case"`
	Metric Metric `json:"metric"`
}

// Figure is one quantity: its value in every round, and what they come to.
type Figure struct {
	Key
	Rounds []float64 `json:"rounds"`
	Median float64   `json:"median"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
}

// Add records the value of a round.
func (r *Result) Add(key Key, value float64) {
	f := r.Figure(key)
	if f == nil {
		f = &Figure{Key: key}
		r.Figures = append(r.Figures, f)
	}
	f.Rounds = append(f.Rounds, value)
	f.Median, f.Min, f.Max = median(f.Rounds), slices.Min(f.Rounds), slices.Max(f.Rounds)
}

// Figure returns a figure, or nil when it was not measured.
func (r *Result) Figure(key Key) *Figure {
	for _, f := range r.Figures {
		if f.Key == key {
			return f
		}
	}
	return nil
}

// value returns the median of a figure, and whether there is one.
func (r *Result) value(group, name string, metric Metric) (float64, bool) {
	f := r.Figure(Key{group, name, metric})
	if f == nil {
		return 0, false
	}
	return f.Median, true
}

// Groups returns the names of the groups, in the order in which they were
// measured.
func (r *Result) Groups() []string {
	return distinct(r.Figures, func(f *Figure) (string, bool) { return f.Group, true })
}

// Cases returns the names of a group's cases, in that order too.
func (r *Result) Cases(group string) []string {
	return distinct(r.Figures, func(f *Figure) (string, bool) { return f.Case, f.Group == group })
}

// metrics returns what was measured in a group, in the order of the tables.
func (r *Result) metrics(group string) []Metric {
	measured := distinct(r.Figures, func(f *Figure) (Metric, bool) { return f.Metric, f.Group == group })
	return slices.DeleteFunc(slices.Clone(metricOrder), func(m Metric) bool { return !slices.Contains(measured, m) })
}

func distinct[T comparable](figures []*Figure, of func(*Figure) (T, bool)) []T {
	var found []T
	for _, f := range figures {
		if value, ok := of(f); ok && !slices.Contains(found, value) {
			found = append(found, value)
		}
	}
	return found
}

// median returns the middle of values, or the mean of the two middle ones.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Read reads results.json.
func Read(path string) (*Result, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the developer's own file
	if err != nil {
		return nil, err
	}
	var r Result
	return &r, json.Unmarshal(text, &r)
}

// Write writes results.json.
func (r *Result) Write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644) //nolint:gosec // for all to read
}

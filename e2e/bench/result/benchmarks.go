package result

import (
	"fmt"
	"slices"
	"strings"
)

// Benchmarks writes the figures in the format of Go's benchmarks, one line a
// case and round, for benchstat. The commit is left out: benchstat compares
// only what has all such lines in common.
//
// https://go.dev/design/14313-benchmark-format
func (r *Result) Benchmarks() string {
	var out strings.Builder
	fmt.Fprintf(&out, "goos: linux\ncpu: %s\nUnit %s better=higher\n", r.Machine.CPU, metricWords[Rate].unit)
	for _, group := range r.Groups() {
		for _, name := range r.Cases(group) {
			figures := slices.DeleteFunc(slices.Clone(r.Figures), func(f *Figure) bool { return f.Group != group || f.Case != name })
			writeRounds(&out, benchmarkName(group, name), figures)
		}
	}
	return out.String()
}

// writeRounds writes the lines of one case.
func writeRounds(out *strings.Builder, name string, figures []*Figure) {
	rounds := 0
	for _, f := range figures {
		rounds = max(rounds, len(f.Rounds))
	}
	for round := range rounds {
		out.WriteString(name + " 1")
		for _, f := range figures {
			if round < len(f.Rounds) {
				fmt.Fprintf(out, " %.6g %s", f.Rounds[round], metricWords[f.Metric].unit)
			}
		}
		out.WriteByte('\n')
	}
}

// benchmarkName leaves out what a name must not have.
func benchmarkName(group, name string) string {
	clean := func(text string) string {
		text = strings.ReplaceAll(text, ",", "")
		return strings.Join(strings.FieldsFunc(text, func(c rune) bool { return c == ' ' || c == '/' }), "_")
	}
	group = clean(group)
	return "Benchmark" + strings.ToUpper(group[:1]) + group[1:] + "/" + clean(name)
}

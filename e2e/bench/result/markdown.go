package result

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Markdown writes targets and tables, without a heading of its own.
func (r *Result) Markdown() string {
	var out strings.Builder
	if r.Flags["quick"] == "true" {
		out.WriteString("**A quick run: it shows that the benchmarks run, and no figure here means anything.**\n\n")
	}
	r.writeMachine(&out)
	r.writeTargets(&out)
	for _, group := range r.Groups() {
		r.writeGroup(&out, group)
	}
	return out.String()
}

func (r *Result) writeMachine(out *strings.Builder) {
	m := r.Machine
	fmt.Fprintf(out, "Commit `%s`, %s. %s, %d cores, Linux %s; %s, grpc-go %s, Envoy %s.\n", r.Commit, r.Date.Format("2006-01-02"),
		m.CPU, m.Cores, m.Kernel, m.Go, m.GRPC, m.Envoy)
	fmt.Fprintf(out, "Medians of %s windows of %s, taken in turns; kinde-authz logs a share of %s of what it allows, to %s.\n\n",
		r.Flags["rounds"], r.Flags["window"], r.Flags["sample-allows"], r.Flags["logs"])
}

func (r *Result) writeTargets(out *strings.Builder) {
	if len(r.Targets) == 0 {
		return
	}
	out.WriteString("| what | target | measured | met |\n|---|---|---|---|\n")
	for _, t := range r.Targets {
		sign := map[bool]string{true: "≥", false: "≤"}[t.AtLeast]
		met := map[bool]string{true: "yes", false: "**no**"}[t.Met]
		fmt.Fprintf(out, "| %s | %s %s | %s | %s |\n", t.What, sign, withUnit(t.Limit, t.Unit), withUnit(t.Value, t.Unit), met)
	}
	out.WriteString("\n")
}

// withUnit writes a ratio as a factor.
func withUnit(value float64, unit string) string {
	if unit == "" {
		return strconv.FormatFloat(value, 'f', 2, 64) + "×"
	}
	return number(value) + " " + unit
}

// writeGroup writes one table: a row a case, a column a metric, and behind it
// between what the first metric of the row varied.
func (r *Result) writeGroup(out *strings.Builder, group string) {
	metrics := r.metrics(group)
	fmt.Fprintf(out, "### %s%s\n\n| |", strings.ToUpper(group[:1]), group[1:])
	for _, metric := range metrics {
		fmt.Fprintf(out, " %s |", metricWords[metric].heading)
	}
	out.WriteString(" first column, lowest–highest |\n|---|" + strings.Repeat("---|", len(metrics)+1) + "\n")
	for _, name := range r.Cases(group) {
		fmt.Fprintf(out, "| %s |", name)
		var first *Figure
		for _, metric := range metrics {
			f := r.Figure(Key{group, name, metric})
			if f == nil {
				out.WriteString(" |")
				continue
			}
			if first == nil {
				first = f
			}
			fmt.Fprintf(out, " %s |", number(f.Median))
		}
		fmt.Fprintf(out, " %s–%s |\n", number(first.Min), number(first.Max))
	}
	out.WriteString("\n")
}

// number writes three digits or so, and thousands with commas.
func number(value float64) string {
	switch {
	case value >= 1000 || value <= -1000:
		return grouped(int64(math.Round(value)))
	case value >= 100 || value <= -100:
		return strconv.FormatFloat(value, 'f', 0, 64)
	default:
		return strconv.FormatFloat(value, 'f', 1, 64)
	}
}

// grouped writes a number with commas between the thousands.
func grouped(n int64) string {
	digits := strconv.FormatInt(max(n, -n), 10)
	var parts []string
	for len(digits) > 3 {
		parts = append(parts, digits[len(digits)-3:])
		digits = digits[:len(digits)-3]
	}
	parts = append(parts, digits)
	slices.Reverse(parts)
	text := strings.Join(parts, ",")
	if n < 0 {
		text = "-" + text
	}
	return text
}

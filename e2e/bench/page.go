package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// writePage puts what a check adds and the table between their marks of a page, a new one
// when there is none.
func (r *result) writePage(path string) error {
	text, err := os.ReadFile(path) //nolint:gosec // the developer's own file
	if os.IsNotExist(err) {
		text, err = []byte(mark("summary", "")+"\n\n"+mark("results", "")+"\n"), nil
	}
	page := string(text)
	for name, text := range map[string]string{"summary": r.summary(), "results": r.table()} {
		before, rest, ok := strings.Cut(page, "<!-- "+name+": begin -->")
		_, after, closed := strings.Cut(rest, "<!-- "+name+": end -->")
		if err == nil && (!ok || !closed) {
			err = fmt.Errorf("%s has not both marks of the %s", path, name)
		}
		page = before + mark(name, text) + after
	}
	if err != nil {
		return err
	}
	return writeFile(path, []byte(page))
}

// mark puts a text between marks.
func mark(name, text string) string {
	return "<!-- " + name + ": begin -->\n" + text + "<!-- " + name + ": end -->"
}

// summary says, a line a party, what a check adds behind Envoy.
func (r *result) summary() string {
	var out strings.Builder
	alone, busy := groupEnvoy(1), groupEnvoy(16)
	for _, row := range r.Rows {
		if row.Group != busy || row.Case == caseNone {
			continue
		}
		latency := r.row(alone, row.Case).P50.median() - r.row(alone, caseNone).P50.median()
		cores, service := r.added(busy, row.Case)/microsACore, row.ServiceCPU.median()/microsACore
		fmt.Fprintf(&out, "- %s: **%.2f ms** and **%.2f cores**, of which %.2f in Envoy\n",
			row.Case, latency, cores, cores-service)
	}
	return out.String()
}

// table returns the table: a row a case, with the medians of its rounds.
func (r *result) table() string {
	var out strings.Builder
	if r.Quick {
		out.WriteString("**A quick run, which shows that it runs: no figure means anything.**\n\n")
	}
	fmt.Fprintf(&out, "Commit `%s`, %s. %s. Medians of %d windows of %s.\n\n",
		r.Commit, r.Date.Format("2006-01-02"), r.Machine, r.Rounds, r.Window)
	out.WriteString("| | service CPU, µs/request | × stock | Envoy CPU, µs/request | requests/s " +
		"| p50, ms | p99, ms | service memory, MiB |\n|---|--:|--:|--:|--:|--:|--:|--:|\n")
	group := ""
	for _, row := range r.Rows {
		if row.Group != group {
			group = row.Group
			fmt.Fprintf(&out, "| **%s** | | | | | | | |\n", group)
		}
		times := ""
		stock := r.row(group, caseStock).ServiceCPU.median()
		if stock > 0 && row.ServiceCPU != nil && row.Case != caseRSA {
			times = fmt.Sprintf("%.2f", row.ServiceCPU.median()/stock)
		}
		fmt.Fprintf(&out, "| %s | %s | %s |", row.Case, figure(row.ServiceCPU), times)
		for _, values := range []rounds{row.EnvoyCPU, row.Rate, row.P50, row.P99, row.Memory} {
			fmt.Fprintf(&out, " %s |", figure(values))
		}
		out.WriteString("\n")
	}
	return out.String()
}

// figure writes the median; nothing of none.
func figure(values rounds) string {
	if len(values) == 0 {
		return ""
	}
	return short(values.median())
}

// short writes a number with three digits or so.
func short(value float64) string {
	switch {
	case value >= 1000:
		return grouped(int(value + 0.5))
	case value >= 100:
		return strconv.FormatFloat(value, 'f', 0, 64)
	case value >= 10:
		return strconv.FormatFloat(value, 'f', 1, 64)
	default:
		return strconv.FormatFloat(value, 'f', 2, 64)
	}
}

// counted writes so many of something.
func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return grouped(n) + " " + what
}

// grouped writes a number below a million with a comma after the thousands.
func grouped(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

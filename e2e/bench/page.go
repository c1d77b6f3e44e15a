package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

const (
	begin = "<!-- results: begin -->"
	end   = "<!-- results: end -->"
)

// writePage puts the table between the marks of a page, a new one when there is none.
func (r *result) writePage(path string) error {
	page, err := os.ReadFile(path) //nolint:gosec // the developer's own file
	if os.IsNotExist(err) {
		page, err = []byte(begin+end+"\n"), nil
	}
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s: want %s and, after it, %s", path, begin, end)
	}
	return writeFile(path, []byte(before+begin+"\n"+r.table()+end+after))
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

package faults

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// over are the phases of all tests.
var over []*phase

// report prints the table of what the faults did, and writes it into the page where one
// is named.
func report() error {
	if len(over) == 0 {
		return nil
	}
	text := table(over)
	fmt.Println(text)
	if *page == "" {
		return nil
	}
	return writePage(*page, text)
}

func table(phases []*phase) string {
	var out strings.Builder
	form := "Short"
	if *long {
		form = "Long"
	}
	fmt.Fprintf(&out, "%s form: %d requests a second, half of them good, on %d processors that the load shares with "+
		"Envoy and both replicas.\n\n", form, either(100, 500), runtime.NumCPU())
	out.WriteString("| fault | requests | wrongly allowed | good ones lost | time to recover " +
		"| p99 of good ones | slowest | peak memory of a replica |\n|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, p := range phases {
		fmt.Fprintf(&out, "| %s | %d | %d | %d | %s | %s | %s | %d MiB |\n", p.fault, p.requests, p.wronglyAllowed, p.lost,
			inSeconds(p.recovered()), inMillis(p.percentile(99)), inMillis(p.percentile(100)), p.peak>>20)
	}
	for _, p := range phases {
		if p.note != "" {
			fmt.Fprintf(&out, "\n"+p.note+".\n", p.figure)
		}
	}
	return out.String()
}

func inSeconds(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func inMillis(d time.Duration) string { return fmt.Sprintf("%.0f ms", d.Seconds()*1000) }

// writePage puts a text between the marks of a page.
func writePage(path, text string) error {
	const begin, end = "<!-- table: begin -->\n", "<!-- table: end -->"
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(content), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s has not both marks of the table", path)
	}
	return os.WriteFile(path, []byte(before+begin+text+end+after), 0o644)
}

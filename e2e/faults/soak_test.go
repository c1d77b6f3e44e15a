//go:build soak

package faults

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	duration = flag.Duration("duration", 30*time.Minute, "how long the soak takes")
	out      = flag.String("out", ".", "folder of the soak's report")
)

// series is what must not grow in a replica.
type series struct {
	name, metric string
	slack        float64 // by which the last quarter may be above the second
	values       [2][]float64
}

// The heap's goal is a fifth more than what is live after a collection (GOGC=20): it leaves
// garbage out.
func watched() []*series {
	return []*series{
		{name: "heap goal, bytes", metric: "go_memstats_next_gc_bytes ", slack: 8 << 20},
		{name: "goroutines", metric: "go_goroutines ", slack: 20},
		{name: "open descriptors", metric: "process_open_fds ", slack: 20},
	}
}

// sample reads all series of both replicas, each second until ctx ends.
func sample(ctx context.Context, r *rig, all []*series) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for n, one := range r.replicas {
			text, err := fetch("http://" + one.admin + "/metrics")
			if err != nil {
				continue // it is stopped
			}
			for _, s := range all {
				s.values[n] = append(s.values[n], metricOf(text, s.metric))
			}
		}
	}
}

// quarter is what one of four parts of the values comes down to: a tenth of them is lower.
// Faults raise all of them now and then, for as long as it takes to collect garbage.
func quarter(values []float64, n int) float64 {
	part := slices.Clone(values[len(values)*n/4 : len(values)*(n+1)/4])
	slices.Sort(part)
	return part[len(part)/10]
}

// grows reports whether the last quarter is above the second by more than a quarter of it
// and what comes and goes.
func (s *series) grows(replica int) bool {
	return quarter(s.values[replica], 3) > quarter(s.values[replica], 1)*1.25+s.slack
}

// soaking are the faults that no replica dies of: what grows in one would begin anew.
func soaking() []fault {
	var list []fault
	for _, f := range all() {
		dies := []string{"kill", "SIGTERM", "rolling", "exporter", "stderr"}
		if !slices.ContainsFunc(dies, func(word string) bool { return strings.HasPrefix(f.name, word) }) {
			list = append(list, f)
		}
	}
	return list
}

func TestSoak(t *testing.T) {
	r := startRig(t, plain(t), nil, "GOGC=20") // what a fault leaves is collected soon after it
	all := watched()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var sampling sync.WaitGroup
	sampling.Go(func() { sample(ctx, r, all) })
	begun, list := time.Now(), soaking()
	for n := 0; time.Since(begun) < *duration; n++ {
		f := list[n%len(list)]
		if n%len(list) == 0 { // a token that is not valid yet will be
			r.bad = badProbes(t, r.issuer.Issuer)
		}
		f.anyLost, f.recovered, f.slowest = true, 0, 0 // told; here it is about what stays
		f.check(t, r.during(t, f.name, func(p *phase) { f.happen(t, r, p) }))
	}
	cancel()
	sampling.Wait()
	for _, s := range all {
		for n := range r.replicas {
			if len(s.values[n]) < 40 {
				t.Fatalf("%d samples are too few to tell whether anything grows", len(s.values[n]))
			}
			if s.grows(n) {
				t.Errorf("replica %d: %s grew from %.0f to %.0f", n+1, s.name, quarter(s.values[n], 1), quarter(s.values[n], 3))
			}
		}
	}
	over = merged(over)
	if err := writeSoak(all, time.Since(begun), t.Failed()); err != nil {
		t.Fatal(err)
	}
}

// merged makes one of all phases of each fault.
func merged(phases []*phase) (list []*phase) {
	for _, p := range phases {
		i := slices.IndexFunc(list, func(other *phase) bool { return other.fault == p.fault })
		if i < 0 {
			list = append(list, p)
			continue
		}
		m := list[i]
		if p.recovered() > m.recovered() {
			m.injected, m.lastLost = p.injected, p.lastLost
		}
		m.requests, m.lost = m.requests+p.requests, m.lost+p.lost
		m.wronglyAllowed, m.wrong = m.wronglyAllowed+p.wronglyAllowed, m.wrong+p.wrong
		m.latencies, m.peak = append(m.latencies, p.latencies...), max(m.peak, p.peak)
	}
	return list
}

// writeSoak writes the report and its chart.
func writeSoak(all []*series, took time.Duration, failed bool) error {
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	var page strings.Builder
	result := "Nothing grew."
	if failed {
		result = "**It failed**: see what the test said."
	}
	requests, wronglyAllowed := 0, 0
	for _, p := range over {
		requests, wronglyAllowed = requests+p.requests, wronglyAllowed+p.wronglyAllowed
	}
	fmt.Fprintf(&page, "# Soak of %s\n\n%s %d requests, of which %d were wrongly allowed.\n\n"+
		"![What each replica held](soak.svg)\n\n", took.Round(time.Second), result, requests, wronglyAllowed)
	page.WriteString("| | replica | second quarter, lowest tenth | last quarter, lowest tenth | most |\n" +
		"|---|--:|--:|--:|--:|\n")
	for _, s := range all {
		for n, values := range s.values {
			fmt.Fprintf(&page, "| %s | %d | %.0f | %.0f | %.0f |\n", s.name, n+1, quarter(values, 1), quarter(values, 3),
				slices.Max(values))
		}
	}
	page.WriteString("\n## Faults\n\n" + table(over))
	if err := os.WriteFile(filepath.Join(*out, "soak.md"), []byte(page.String()), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(*out, "soak.svg"), []byte(chart(all, took)), 0o644)
}

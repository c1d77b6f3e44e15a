package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sampled is a result with round figures.
func sampled() *result {
	r := &result{}
	for i, name := range []string{caseRSA, caseStock, caseWarm, caseCold, caseMissing} {
		r.add(groupGRPC, name).ServiceCPU = rounds{[]float64{30, 20, 10, 55, 8}[i], 1, 1000}
	}
	for _, n := range connections {
		for i, name := range []string{caseNone, caseNative, caseStock, caseWarm} {
			row := r.add(groupEnvoy(n), name)
			row.EnvoyCPU, row.P50 = rounds{20 + 10*float64(i)}, rounds{1 + float64(i)}
			if i > 1 {
				row.ServiceCPU = rounds{60 - 10*float64(i)}
			}
		}
	}
	r.add(groupTokens, counted(1000, "token")).Memory = rounds{40}
	r.add(groupTokens, counted(100_000, "token")).Memory = rounds{160}
	return r
}

func TestRatios(t *testing.T) {
	want := map[string]float64{
		"CPU, remembered token / stock":                  0.5,
		"CPU, new - remembered token / RSA verification": 1.5,
		"CPU, missing / remembered token":                0.8,
		"Envoy, 16 connections: service's CPU / stock":   0.75,
		"Envoy, 16 connections: all CPU / stock":         1,
		"Envoy, 64 connections: median latency / stock":  4. / 3,
		"memory, 100,000 / 1,000 tokens":                 4,
	}
	for _, ratio := range sampled().ratios() {
		if value, ok := want[ratio.Name]; ok && value != ratio.Value {
			t.Errorf("%s is %v, want %v", ratio.Name, ratio.Value, value)
		}
		delete(want, ratio.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

func TestCompare(t *testing.T) {
	before := []ratio{{"a", 1}, {"b", 1}}
	for _, c := range []struct {
		after []ratio
		lines int
		ok    bool
	}{
		{[]ratio{{"a", 1.14}, {"b", 0.5}}, 2, true},
		{[]ratio{{"a", 1.16}, {"b", 0.5}}, 2, false},
		{[]ratio{{"a", 1}, {"c", 9}}, 1, true},
		{[]ratio{{"c", 1}}, 0, false},
	} {
		if lines, ok := compare(before, c.after); ok != c.ok || len(lines) != c.lines {
			t.Errorf("%v: %v, %q", c.after, ok, lines)
		}
	}
}

func TestMedian(t *testing.T) {
	values := rounds{9, 1, 5}
	if got := values.median(); got != 5 || values[0] != 9 {
		t.Errorf("median %v of %v", got, values)
	}
	if got := (rounds{4, 2}).median(); got != 3 {
		t.Errorf("median of two %v", got)
	}
}

func TestWhatIsWritten(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "benchmarks.md")
	if err := os.WriteFile(page, []byte("a"+mark("summary", "old")+"b"+mark("results", "old")+"c"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sampled().write(dir, true); err != nil {
		t.Fatal(err)
	}
	wantText(t, page, "a<!-- summary: begin -->\n- "+caseNative, "end -->b<!--", "end -->c",
		caseWarm+": **3.00 ms** and **0.60 cores**, of which 0.30 in Envoy\n", "| "+caseWarm+" | 10.0 | 0.50 | ")
	bench := filepath.Join(dir, "bench")
	wantText(t, filepath.Join(bench, "grpc.svg"), "costs 0.50 × a stock server's CPU, a new one 2.8 ×", ">55.0<")
	wantText(t, filepath.Join(bench, "envoy.svg"), "1.00 × a stock check's CPU, jwt_authn 0.17 ×", ">0.60<")
	wantText(t, filepath.Join(bench, "growth.svg"), "With 100,000 tokens remembered the service takes 160 MiB",
		"adds 3.00 ms", "lower is better")
	again, err := readResult(filepath.Join(bench, "results.json"))
	if err != nil || !slices.Equal(again.row(groupGRPC, caseWarm).ServiceCPU, rounds{10, 1, 1000}) {
		t.Errorf("%+v, %v", again, err)
	}
}

// wantText wants texts in a file, and an SVG to be XML.
func wantText(t *testing.T, path string, texts ...string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if !strings.Contains(string(content), text) {
			t.Errorf("%s lacks %q:\n%s", path, text, content)
		}
	}
	decoder := xml.NewDecoder(strings.NewReader(string(content)))
	for err == nil {
		_, err = decoder.Token()
	}
	if filepath.Ext(path) == ".svg" && !errors.Is(err, io.EOF) {
		t.Errorf("%s: %v", path, err)
	}
}

// What is measured is what the project's own envoy.yaml says.
func TestConfigure(t *testing.T) {
	text, err := os.ReadFile("../../envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	native := (&bench{tokens: mint(1)}).nativeFilters()
	for _, c := range []struct {
		gate      gate
		has, lack string // words
	}{
		{gate{}, "", "filters.http.ext_authz jwt_authn"},
		{gate{filters: native}, "jwt_cache_size filters.http.rbac", "filters.http.ext_authz"},
		{
			gate{service: &service{address: "127.0.0.1:5"}},
			"filters.http.ext_authz encode_raw_headers port_value:5", "jwt_authn",
		},
	} {
		got, err := configure(string(text), "127.0.0.1:4", c.gate)
		if err != nil {
			t.Fatal(err)
		}
		got = strings.ReplaceAll(got, "port_value: ", "port_value:")
		for _, word := range strings.Fields("normalize_path direct_response port_value:4 " + c.has) {
			if !strings.Contains(got, word) {
				t.Errorf("%+v: it lacks %q", c.gate, word)
			}
		}
		for _, word := range strings.Fields("access_log port_value:8080 port_value:9191 " + c.lack) {
			if strings.Contains(got, word) {
				t.Errorf("%+v: it has %q", c.gate, word)
			}
		}
	}
	if _, err := configure("static_resources: {}", "127.0.0.1:4", gate{}); err == nil {
		t.Error("a file without listeners was taken")
	}
}

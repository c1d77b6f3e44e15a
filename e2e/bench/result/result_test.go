package result

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3},
		{[]float64{9, 1}, 5},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 3, 100}, 3.5},
	} {
		if got := median(c.values); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.values, got, c.want)
		}
	}
}

func TestAddKeepsRoundsAndOrder(t *testing.T) {
	r := &Result{}
	for _, value := range []float64{5, 1, 3} {
		r.Add(Key{"b", "x", Rate}, value)
		r.Add(Key{"a", "y", Rate}, -value)
	}
	f := r.Figure(Key{"b", "x", Rate})
	if !reflect.DeepEqual(f.Rounds, []float64{5, 1, 3}) || f.Median != 3 || f.Min != 1 || f.Max != 5 {
		t.Errorf("figure %+v", f)
	}
	if got := r.Groups(); !reflect.DeepEqual(got, []string{"b", "a"}) {
		t.Errorf("groups %v", got)
	}
}

func TestWriteAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.json")
	r := sample()
	if err := r.Write(path); err != nil {
		t.Fatal(err)
	}
	again, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(r, again) {
		t.Errorf("read %+v, want %+v", again, r)
	}
}

func TestJudge(t *testing.T) {
	got := map[string]Target{}
	for _, target := range sample().Targets {
		got[target.Name] = target
	}
	for _, c := range []struct {
		name  string
		value float64
		met   bool
	}{
		{"warm/stock", 0.4, true},
		{"(cold-warm)/rsa", 1.5, false},
		{"expired/warm", 0.75, true},
		{"envoy cpu/stock, 16 connections", 0.5, true},
		{"envoy rate/stock, 16 connections", 0.9, false},
		{"envoy rate/opa, 16 connections", 4.5, true},
		{"memory", 151, false},
		{"memory/token", 1000, true},
		{"memory flood", 0.5, true},
		{"p99 mixed/alone", 3, false},
	} {
		target, ok := got[c.name]
		if !ok || target.Value != c.value || target.Met != c.met {
			t.Errorf("%s: %+v (there: %t), want %v, met %t", c.name, target, ok, c.value, c.met)
		}
	}
	if len(got) != 10 {
		t.Errorf("%d targets, want those that were measured, 10", len(got))
	}
}

// sample is a judged result in which some things were measured, with round
// figures.
func sample() *Result {
	r := &Result{Commit: "abc", Flags: map[string]string{"rounds": "3", "window": "5s"}, Machine: Machine{CPU: "a CPU", Cores: 2}}
	for _, f := range []struct {
		Key
		value float64
	}{
		{Key{GroupGRPC, CaseRSA, Operation}, 30},
		{Key{GroupGRPC, CaseStock, ServiceCPU}, 50},
		{Key{GroupGRPC, CaseWarm, ServiceCPU}, 20},
		{Key{GroupGRPC, CaseCold, ServiceCPU}, 65},
		{Key{GroupGRPC, "expired", ServiceCPU}, 15},
		{Key{GroupEnvoy, Behind(CaseStock, 16), ServiceCPU}, 40},
		{Key{GroupEnvoy, Behind(CaseStock, 16), Rate}, 10_000},
		{Key{GroupEnvoy, Behind(CaseAuthz, 16), ServiceCPU}, 20},
		{Key{GroupEnvoy, Behind(CaseAuthz, 16), Rate}, 9000},
		{Key{GroupEnvoy, Behind(CaseOPA, 16), Rate}, 2000},
		{Key{GroupMemory, CaseMany, Memory}, 151},
		{Key{GroupMemory, CaseMany, PerToken}, 1000},
		{Key{GroupMemory, CaseFlooded, Growth}, 0.5},
		{Key{GroupIsolation, CaseAlone, P99}, 1000},
		{Key{GroupIsolation, CaseAmong, P99}, 3000},
	} {
		r.Add(f.Key, f.value)
	}
	r.Judge()
	return r
}

func TestBenchmarks(t *testing.T) {
	r := &Result{}
	for _, value := range []float64{16.25, 17} {
		r.Add(Key{GroupGRPC, CaseWarm, ServiceCPU}, value)
		r.Add(Key{GroupGRPC, CaseWarm, Rate}, 1000*value)
	}
	r.Add(Key{GrowthTokens, Step(1000, "tokens"), ServiceCPU}, 3)
	want := `BenchmarkGrpc/warm 1 16.25 service-cpu-us/req 16250 req/s
BenchmarkGrpc/warm 1 17 service-cpu-us/req 17000 req/s
BenchmarkGrowth_by_tokens/1000_tokens 1 3 service-cpu-us/req
`
	_, got, _ := strings.Cut(r.Benchmarks(), "better=higher\n")
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

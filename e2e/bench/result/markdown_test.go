package result

import (
	"strings"
	"testing"
)

func TestMarkdown(t *testing.T) {
	r := sample()
	r.Add(Key{GroupGRPC, CaseWarm, ServiceCPU}, 24)
	got := r.Markdown()
	for _, want := range []string{
		"Commit `abc`",
		"Medians of 3 windows of 5s",
		"| what | target | measured | met |",
		"| warm decision, CPU, of the stock server's | ≤ 0.50× | 0.40× | yes |",
		"| requests/s behind Envoy, of the stock server's, 16 connections | ≥ 1.00× | 0.90× | **no** |",
		"| resident memory a token, beside its answer | ≤ 1,024 bytes | 1,000 bytes | yes |",
		"### Grpc\n\n| | CPU, µs/operation | service CPU, µs/request |",
		"| bare RSA | 30.0 | | 30.0–30.0 |",
		"| warm | | 22.0 | 20.0–24.0 |",
		"| stock, 16 connections | 40.0 | 10,000 | 40.0–40.0 |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if strings.Contains(got, "quick run") {
		t.Error("it was no quick run")
	}
	r.Flags["quick"] = "true"
	if !strings.Contains(r.Markdown(), "quick run") {
		t.Error("it does not tell that it was a quick run")
	}
}

func TestNumber(t *testing.T) {
	for value, want := range map[float64]string{
		0: "0.0", 16.24: "16.2", 99.94: "99.9", 104.4: "104", 999.6: "1000", 1234.5: "1,235", 1_234_567: "1,234,567", -543: "-543", -1543: "-1,543",
	} {
		if got := number(value); got != want {
			t.Errorf("number(%v) = %q, want %q", value, got, want)
		}
	}
}

func TestReplace(t *testing.T) {
	page := "before\n" + begin + "\nold\n" + end + "\nafter\n"
	got, err := replace(page, "new\n\n")
	if want := "before\n" + begin + "\nnew\n" + end + "\nafter\n"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	for _, page := range []string{"", begin, end + begin, page + page} {
		if _, err := replace(page, "new"); err == nil {
			t.Errorf("%q was taken", page)
		}
	}
}

func TestStep(t *testing.T) {
	for name, want := range map[string]struct {
		variant string
		n       float64
	}{
		Step(1, "tokens"):         {"", 1},
		Step(100_000, "tokens"):   {"", 100_000},
		Behind(CaseStock, 256):    {CaseStock, 256},
		"jwt_authn, 1 connection": {"jwt_authn", 1},
	} {
		if variant, n := step(name); variant != want.variant || n != want.n {
			t.Errorf("step(%q) = %q, %v, want %+v", name, variant, n, want)
		}
	}
}

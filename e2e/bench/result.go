package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
)

// The groups and cases.
const (
	groupGRPC   = "gRPC, 64 calls in flight"
	groupTokens = "gRPC, 64 calls in flight, by tokens"

	caseRSA     = "one RSA verification, no server"
	caseStock   = "stock ext_authz server"
	caseWarm    = "kinde-authz, remembered token"
	caseCold    = "kinde-authz, new token"
	caseMissing = "kinde-authz, missing token"
	caseExpired = "kinde-authz, expired token"
	caseForged  = "kinde-authz, bad signature"

	caseNone         = "no check"
	caseNative       = "jwt_authn with its cache, RBAC"
	caseOneProcessor = caseWarm + ", GOMAXPROCS=1"
)

func groupEnvoy(connections int) string { return "Envoy, " + counted(connections, "connection") }

// result is what one run gave.
type result struct {
	Machine string    `json:"machine"`
	Commit  string    `json:"commit"`
	Date    time.Time `json:"date"`
	Window  string    `json:"window"`
	Rounds  int       `json:"rounds"`
	Quick   bool      `json:"quick,omitempty"`
	Ratios  []ratio   `json:"ratios"`
	Rows    []*row    `json:"rows"`
}

// row is one case, each figure with a value a round. CPU is a request.
type row struct {
	Group      string `json:"group"`
	Case       string `json:"case"`
	ServiceCPU rounds `json:"service_cpu_us,omitempty"`
	EnvoyCPU   rounds `json:"envoy_cpu_us,omitempty"`
	Rate       rounds `json:"requests_per_s"`
	P50        rounds `json:"p50_ms"`
	P99        rounds `json:"p99_ms"`
	Memory     rounds `json:"service_memory_mib,omitempty"`
}

type rounds []float64

// median returns the middle value, or the mean of the two middle ones; 0 of none.
func (r rounds) median() float64 {
	if len(r) == 0 {
		return 0
	}
	sorted, middle := slices.Sorted(slices.Values(r)), len(r)/2
	if len(r)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// row returns the row of a case, an empty one when it was not measured.
func (r *result) row(group, name string) *row {
	for _, row := range r.Rows {
		if row.Group == group && row.Case == name {
			return row
		}
	}
	return &row{Group: group, Case: name}
}

// add returns the row of a case to add figures to.
func (r *result) add(group, name string) *row {
	row := r.row(group, name)
	if !slices.Contains(r.Rows, row) {
		r.Rows = append(r.Rows, row)
	}
	return row
}

// ratio is a figure of one case in terms of another's. Less is better.
type ratio struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// ratios returns those that were measured.
func (r *result) ratios() (list []ratio) {
	add := func(name string, value, of float64) {
		if value > 0 && of > 0 {
			list = append(list, ratio{name, value / of})
		}
	}
	cpu := func(name string) float64 { return r.row(groupGRPC, name).ServiceCPU.median() }
	warm := cpu(caseWarm)
	add("CPU, remembered token / stock", warm, cpu(caseStock))
	add("CPU, new - remembered token / RSA verification", cpu(caseCold)-warm, cpu(caseRSA))
	add("CPU, missing / remembered token", cpu(caseMissing), warm)
	add("CPU, expired / remembered token", cpu(caseExpired), warm)
	add("CPU, bad signature / new token", cpu(caseForged), cpu(caseCold))
	for _, n := range connections[1:] {
		group := groupEnvoy(n)
		own, stock := r.row(group, caseWarm), r.row(group, caseStock)
		add(group+": service's CPU / stock", own.ServiceCPU.median(), stock.ServiceCPU.median())
		add(group+": all CPU / stock", r.added(group, caseWarm), r.added(group, caseStock))
		add(group+": median latency / stock", own.P50.median(), stock.P50.median())
	}
	memory := func(n int) float64 { return r.row(groupTokens, counted(n, "token")).Memory.median() }
	add("memory, 100,000 / 1,000 tokens", memory(100_000), memory(1000))
	return list
}

// added returns the CPU that a check adds to a request behind Envoy, in µs, in the
// service and in Envoy.
func (r *result) added(group, name string) float64 {
	row, none := r.row(group, name), r.row(group, caseNone)
	return row.ServiceCPU.median() + row.EnvoyCPU.median() - none.EnvoyCPU.median()
}

// microsACore is how many µs a request make a core, at 10,000 requests a second.
const microsACore = 100

// tolerance is by how much a ratio may get worse from one run to another.
const tolerance = 0.15

// compare says of each ratio what it was and is, and whether none got worse by over
// 15 %. Where there is none to compare, that is not so.
func compare(before, after []ratio) (lines []string, ok bool) {
	ok = true
	for _, is := range after {
		i := slices.IndexFunc(before, func(was ratio) bool { return was.Name == is.Name })
		if i < 0 {
			continue
		}
		word := "ok"
		if is.Value > before[i].Value*(1+tolerance) {
			word, ok = "WORSE", false
		}
		lines = append(lines, fmt.Sprintf("%-5s  %-48s %.2f -> %.2f", word, is.Name, before[i].Value, is.Value))
	}
	return lines, ok && len(lines) > 0
}

func readResult(path string) (*result, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the developer's own file
	if err != nil {
		return nil, err
	}
	r := &result{}
	return r, json.Unmarshal(text, r)
}

// write writes results.json and the table below a folder, and the charts of a whole run.
func (r *result) write(dir string, whole bool) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "bench"), 0o755); err != nil { //nolint:gosec // for all to read
		return err
	}
	if err := writeFile(filepath.Join(dir, "bench", "results.json"), append(text, '\n')); err != nil {
		return err
	}
	if whole {
		if err := r.draw(filepath.Join(dir, "bench")); err != nil {
			return err
		}
	}
	return r.writePage(filepath.Join(dir, "benchmarks.md"))
}

func writeFile(path string, text []byte) error {
	return os.WriteFile(path, text, 0o644) //nolint:gosec // for all to read
}

var (
	cpuModel     = regexp.MustCompile(`(?m)^model name\s*: (.*)$`)
	envoyVersion = regexp.MustCompile(`/\d+\.\d+\.\d+`)
)

// describe says what the run is made on and with. What cannot be found out is left out.
func describe(envoy string) string {
	model := runtime.GOARCH // arm64 has no model
	info, _ := os.ReadFile("/proc/cpuinfo")
	if found := cpuModel.FindSubmatch(info); found != nil {
		model = string(found[1])
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	text := fmt.Sprintf("%s, %d cores, Linux %s; %s, grpc-go %s", model, runtime.NumCPU(),
		strings.TrimSpace(string(kernel)), runtime.Version(), grpc.Version)
	if envoy == "" {
		return text
	}
	version, _ := exec.Command(envoy, "--version").Output()
	return text + ", Envoy " + strings.TrimPrefix(string(envoyVersion.Find(version)), "/")
}

// commit names what is measured, and says when that was changed since: a change of the
// docs, which a run writes, is none.
func commit() string {
	name, _ := exec.Command("git", "rev-parse", "--short=12", "HEAD").Output()
	changed := exec.Command("git", "diff", "--quiet", "HEAD", "--", ":(top)", ":(top,exclude)docs").Run()
	if changed != nil {
		return strings.TrimSpace(string(name)) + " and changes"
	}
	return strings.TrimSpace(string(name))
}

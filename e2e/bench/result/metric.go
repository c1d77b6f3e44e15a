package result

// Metric is what a figure measures.
type Metric string

// The metrics.
const (
	ServiceCPU Metric = "service_cpu_us"   // CPU of the service a request, in µs
	EnvoyCPU   Metric = "envoy_cpu_us"     // CPU of Envoy a request, in µs
	Rate       Metric = "requests_per_s"   // answers a second
	P50        Metric = "p50_us"           // latency, in µs
	P99        Metric = "p99_us"           // latency, in µs
	P999       Metric = "p99.9_us"         // latency, in µs
	Memory     Metric = "service_rss_mib"  // resident memory of the service, in MiB
	EnvoyRSS   Metric = "envoy_rss_mib"    // resident memory of Envoy, in MiB
	PerToken   Metric = "bytes_per_token"  // resident memory a cached token, less its answer, in bytes
	AnswerSize Metric = "answer_bytes"     // an answer on the wire, in bytes
	Operation  Metric = "operation_cpu_us" // CPU of one operation in the harness, in µs
	Failed     Metric = "failed_per_1000"  // answered with 503, of 1,000 requests
	Growth     Metric = "growth_mib"       // what resident memory grew by, in MiB
)

// metricOrder is how they follow each other in tables.
var metricOrder = []Metric{
	Operation, ServiceCPU, EnvoyCPU, Rate, Failed, P50, P99, P999, Memory, EnvoyRSS, PerToken, AnswerSize, Growth,
}

// words are how tables and benchstat call a metric.
type words struct{ heading, unit string }

var metricWords = map[Metric]words{
	ServiceCPU: {"service CPU, µs/request", "service-cpu-us/req"},
	EnvoyCPU:   {"Envoy CPU, µs/request", "envoy-cpu-us/req"},
	Rate:       {"requests/s", "req/s"},
	P50:        {"p50, µs", "p50-us"},
	P99:        {"p99, µs", "p99-us"},
	P999:       {"p99.9, µs", "p99.9-us"},
	Memory:     {"service memory, MiB", "service-rss-MiB"},
	EnvoyRSS:   {"Envoy memory, MiB", "envoy-rss-MiB"},
	PerToken:   {"bytes/token beside its headers", "B/token"},
	AnswerSize: {"headers of an answer, bytes", "answer-B"},
	Operation:  {"CPU, µs/operation", "cpu-us/op"},
	Failed:     {"503s in 1,000", "503s/1000req"},
	Growth:     {"growth, MiB", "growth-MiB"},
}

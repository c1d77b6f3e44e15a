package tracing

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/kinde-authz/kinde-authz/internal/suggest"
)

// The protocols of OTLP, as OTEL_EXPORTER_OTLP_PROTOCOL names them.
const (
	overGRPC = "grpc"
	overHTTP = "http/protobuf"
)

// Off is the protocol of no tracing.
const off = "off"

// protocolOf returns the protocol that the environment asks for, or off. What the
// SDK would pass over in silence is an error that names the variable.
//
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
func protocolOf(environment func(name string) string) (string, error) {
	value := func(name string) string { return strings.TrimSpace(environment(name)) }
	if strings.EqualFold(value("OTEL_SDK_DISABLED"), "true") {
		return off, nil
	}
	if exporter := value("OTEL_TRACES_EXPORTER"); exporter == "none" {
		return off, nil
	} else if exporter != "" && exporter != "otlp" {
		return off, fmt.Errorf("OTEL_TRACES_EXPORTER: %q: want otlp or none, or unset it", exporter)
	}
	endpoint := first(value, "ENDPOINT")
	if endpoint == "" {
		return off, nil
	}
	address, err := url.Parse(value(endpoint))
	if err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
		return off, fmt.Errorf("%s: want a URL with a scheme and a host, like http://localhost:4318", endpoint)
	}
	name := first(value, "PROTOCOL")
	if name == "" {
		return overHTTP, nil
	}
	protocols := []string{overHTTP, overGRPC}
	protocol := value(name)
	if !slices.Contains(protocols, protocol) {
		return off, fmt.Errorf("%s: %q: want %s%s", name, protocol, strings.Join(protocols, " or "),
			suggest.Question(protocol, protocols))
	}
	return protocol, nil
}

// first returns the variable that counts of the two of that name: that of traces, if
// it is set, else that of all signals, else none.
func first(value func(string) string, name string) string {
	for _, prefix := range []string{"OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"} {
		if value(prefix+name) != "" {
			return prefix + name
		}
	}
	return ""
}

// samplers are the values of OTEL_TRACES_SAMPLER that the SDK knows. For another it
// would sample all.
var samplers = []string{
	"always_on", "always_off", "traceidratio",
	"parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio",
}

// checkSampler refuses a sampler that the SDK does not know.
func checkSampler() error {
	const name = "OTEL_TRACES_SAMPLER"
	sampler := strings.ToLower(strings.TrimSpace(os.Getenv(name)))
	if sampler == "" || slices.Contains(samplers, sampler) {
		return nil
	}
	return fmt.Errorf("%s: %q: want one of %s%s", name, sampler, strings.Join(samplers, ", "), suggest.Question(sampler, samplers))
}

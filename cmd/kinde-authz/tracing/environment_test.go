package tracing

import "testing"

func TestWhatTurnsTracingOn(t *testing.T) {
	const endpoint, traces = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	const protocol, ofTraces = "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	for _, test := range []struct {
		environment map[string]string
		want        string // a protocol, or an error
	}{
		{nil, off},
		{map[string]string{protocol: "thrift"}, off},
		{map[string]string{endpoint: "http://a:4318"}, overHTTP},
		{map[string]string{traces: "https://a/v1/traces"}, overHTTP},
		{map[string]string{endpoint: "http://a:4317", protocol: "grpc"}, overGRPC},
		{map[string]string{endpoint: "http://a:4318", protocol: "grpc", ofTraces: "http/protobuf"}, overHTTP},
		{map[string]string{endpoint: "http://a:4318", "OTEL_SDK_DISABLED": "True"}, off},
		{map[string]string{endpoint: "http://a:4318", "OTEL_TRACES_EXPORTER": "none"}, off},
		{map[string]string{endpoint: "http://a:4318", "OTEL_TRACES_EXPORTER": "otlp"}, overHTTP},
		{map[string]string{endpoint: "a:4318"},
			"OTEL_EXPORTER_OTLP_ENDPOINT: want a URL with a scheme and a host, like http://localhost:4318"},
		{map[string]string{endpoint: "http://a", protocol: "http/json"},
			`OTEL_EXPORTER_OTLP_PROTOCOL: "http/json": want http/protobuf or grpc`},
	} {
		got, err := protocolOf(func(name string) string { return test.environment[name] })
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%v: got %s, want %s", test.environment, got, test.want)
		}
	}
}

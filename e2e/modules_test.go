package e2e

import (
	"debug/buildinfo"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// modules are all that is linked into kinde-authz: the dependencies that
// README.md names, and what they need. One more is one more to trust.
var modules = []string{
	"github.com/KimMachineGun/automemlimit",
	"github.com/alecthomas/kong",
	"github.com/beorn7/perks",
	"github.com/cenkalti/backoff/v5",
	"github.com/cespare/xxhash/v2",
	"github.com/cncf/xds/go",
	"github.com/coreos/go-systemd/v22",
	"github.com/envoyproxy/go-control-plane/envoy",
	"github.com/envoyproxy/protoc-gen-validate",
	"github.com/go-logr/logr",
	"github.com/go-logr/stdr",
	"github.com/google/uuid",
	"github.com/grpc-ecosystem/grpc-gateway/v2",
	"github.com/maypok86/otter/v2",
	"github.com/munnerz/goautoneg",
	"github.com/pbnjay/memory",
	"github.com/prometheus/client_golang",
	"github.com/prometheus/client_model",
	"github.com/prometheus/common",
	"github.com/prometheus/procfs",
	"go.opentelemetry.io/auto/sdk",
	"go.opentelemetry.io/otel",
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace",
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc",
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp",
	"go.opentelemetry.io/otel/log",
	"go.opentelemetry.io/otel/metric",
	"go.opentelemetry.io/otel/sdk",
	"go.opentelemetry.io/otel/trace",
	"go.opentelemetry.io/proto/otlp",
	"go.uber.org/multierr",
	"go.uber.org/zap",
	"go.yaml.in/yaml/v4",
	"golang.org/x/net",
	"golang.org/x/sys",
	"golang.org/x/text",
	"google.golang.org/genproto/googleapis/api",
	"google.golang.org/genproto/googleapis/rpc",
	"google.golang.org/grpc",
	"google.golang.org/protobuf",
}

// Attack X7: a module that nobody meant to link in.
func TestProgramIsMadeOfTheModulesThatAreMeant(t *testing.T) {
	info, err := buildinfo.ReadFile(programs.Authz)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, module := range info.Deps {
		got = append(got, module.Path)
	}
	if diff := cmp.Diff(modules, got); diff != "" {
		t.Errorf("(-meant +linked):\n%s", diff)
	}
}

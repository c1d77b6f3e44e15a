package main

import (
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/e2e/bench/load"
)

func TestOptions(t *testing.T) {
	for _, c := range []struct{ args, fault string }{
		{"-out d -envoy e", ""},
		{"-out d -only grpc,memory", ""},
		{"-out d -only grpc,envoy", "-envoy is missing"},
		{"-out d", "-envoy is missing"},
		{"-envoy e", "-out is missing"},
		{"-out d -envoy e -only all", "-only all"},
		{"-out d -envoy e -rounds 0", "above 0"},
		{"-out d -envoy e more", `"more"`},
	} {
		_, err := parseOptions(strings.Fields(c.args))
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %v, want %q", c.args, err, c.fault)
		}
	}
}

func TestBlendIsOneToNine(t *testing.T) {
	constant := func(allow bool) sources {
		return func(int) load.Source { return func() load.Request { return load.Request{Allow: allow} } }
	}
	next, good := blend(constant(true), constant(false))(3), 0
	for range 1000 {
		if next().Allow {
			good++
		}
	}
	if good != 100 {
		t.Errorf("%d of 1000 are good, want 100", good)
	}
}

func TestCPUModel(t *testing.T) {
	if got := cpuModel("processor\t: 0\nmodel name\t: A CPU @ 3GHz\n"); got != "A CPU @ 3GHz" {
		t.Errorf("got %q", got)
	}
}

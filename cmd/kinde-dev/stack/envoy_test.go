package stack

import (
	"os"
	"strings"
	"testing"
)

func TestFill(t *testing.T) {
	config, err := os.ReadFile("../../../envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	filled, err := addresses{
		listener: "127.0.0.1:1", admin: "127.0.0.1:2", authz: "localhost:3", agent: "[::1]:4",
	}.fill(string(config))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{address: "127.0.0.1", port_value: 1}`, `{address: "127.0.0.1", port_value: 2}`,
		`{address: "localhost", port_value: 3}`, `{address: "::1", port_value: 4}`,
	} {
		if strings.Count(filled, "socket_address: "+want) != 1 {
			t.Errorf("%s is not there once", want)
		}
	}
}

// Command istio-xds serves what Istio makes of its own objects: the discovery server
// that Istio's tests run, on a real port and without Kubernetes. An Envoy that says it is
// a gateway or a sidecar of Istio gets from it what istiod would send.
//
//	istio-xds ADDRESS MESH-CONFIG FILE...
//
// Each FILE holds objects of Istio or of Kubernetes, as YAML documents.
package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strings"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/test"
)

const separator = "\n---\n"

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: istio-xds ADDRESS MESH-CONFIG FILE...")
		os.Exit(2)
	}
	if err := serve(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, "istio-xds:", err)
		os.Exit(1)
	}
}

// serve serves until the process ends.
func serve(address, meshFile string, files []string) error {
	meshConfig, err := readMesh(meshFile)
	if err != nil {
		return err
	}
	istio, kubernetes, err := read(files)
	if err != nil {
		return err
	}
	return test.Wrap(func(t test.Failer) {
		xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
			MeshConfig:             meshConfig,
			ConfigString:           istio,
			KubernetesObjectString: kubernetes,
			ListenerBuilder:        func() (net.Listener, error) { return net.Listen("tcp", address) },
		})
		select {}
	})
}

func readMesh(file string) (*meshconfig.MeshConfig, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	config, err := mesh.ApplyMeshConfigDefaults(string(content))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return config, nil
}

// read tells Istio's objects from those of Kubernetes.
func read(files []string) (istio, kubernetes string, err error) {
	var own, others []string
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			return "", "", err
		}
		for document := range bytes.SplitSeq(content, []byte(separator)) {
			if bytes.Contains(document, []byte("istio.io/")) {
				own = append(own, string(document))
			} else {
				others = append(others, string(document))
			}
		}
	}
	return strings.Join(own, separator), strings.Join(others, separator), nil
}

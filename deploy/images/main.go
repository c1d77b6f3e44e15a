// Command images builds the images of kinde-authz without Docker and without pulling a
// base image: for linux/amd64 and linux/arm64, from scratch, with ko.
//
//	go run . [-version VERSION] [-out DIR] [-source DIR]
//
// DIR then has:
//
//	kinde-authz/             the image for both platforms: an OCI layout
//	kinde-authz-amd64.tar    for docker load, ctr images import, kind load image-archive
//	kinde-authz-arm64.tar
//	sbom/                    what each program was built from: SPDX 2.3 as JSON
//
// It is the image that the Dockerfile describes: user 65532, ports 9191 and 9192, the
// program at /kinde-authz, which serves when it is given no command.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/ko/pkg/build"
)

// program is the one that the image is of.
const program = "github.com/kinde-authz/kinde-authz/cmd/kinde-authz"

var platforms = []v1.Platform{
	{OS: "linux", Architecture: "amd64"},
	{OS: "linux", Architecture: "arm64"},
}

func main() {
	log.SetFlags(0)
	version := flag.String("version", "dev", "the version that the program and the image name")
	out := flag.String("out", "../../.tools/images", "the folder to write")
	source := flag.String("source", "../..", "the folder of this repository's go.mod")
	flag.Parse()
	if err := run(context.Background(), *source, *out, *version); err != nil {
		log.Fatal(err)
	}
}

// run builds the image of the program in source, and writes it to out.
func run(ctx context.Context, source, out, version string) error {
	ca, err := os.ReadFile(authorities)
	if err != nil {
		return fmt.Errorf("the certificates of public authorities: %w", err)
	}
	base, err := scratch(ca)
	if err != nil {
		return err
	}
	image, err := built(ctx, source, filepath.Join(out, "sbom"), version, base)
	if err != nil {
		return err
	}
	return write(image, out, version)
}

// built is the image of the program on base, for each platform.
func built(ctx context.Context, source, sbom, version string, base v1.ImageIndex) (v1.ImageIndex, error) {
	var names []string
	for _, p := range platforms {
		names = append(names, p.String())
	}
	options := []build.Option{
		build.WithPlatforms(names...),
		build.WithBaseImages(func(context.Context, string) (name.Reference, build.Result, error) {
			return name.MustParseReference("scratch"), base, nil
		}),
		build.WithTrimpath(true),
		build.WithDefaultEnv([]string{"CGO_ENABLED=0"}),
		build.WithDefaultLdflags([]string{"-s", "-w", "-X main.version=" + version}),
		build.WithSPDX("1.0"), // the version that the SBOM gives the tool
		build.WithSBOMDir(sbom),
	}
	for key, value := range labels(version) {
		options = append(options, build.WithLabel(key, value))
	}
	ko, err := build.NewGo(ctx, source, options...)
	if err != nil {
		return nil, err
	}
	result, err := ko.Build(ctx, build.StrictScheme+program)
	if err != nil {
		return nil, err
	}
	index, ok := result.(v1.ImageIndex)
	if !ok {
		return nil, fmt.Errorf("ko built a %T instead of an index of platforms", result)
	}
	return index, nil
}

// labels are the annotations that OCI predefines, as labels of the image
// (https://specs.opencontainers.org/image-spec/annotations/).
func labels(version string) map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":       "kinde-authz",
		"org.opencontainers.image.description": "Envoy external authorization with Kinde access tokens",
		"org.opencontainers.image.licenses":    "Apache-2.0",
		"org.opencontainers.image.version":     version,
	}
}

// write puts index into out: as an OCI layout, and each platform's image as an archive.
func write(index v1.ImageIndex, out, version string) error {
	if err := os.RemoveAll(filepath.Join(out, "kinde-authz")); err != nil {
		return err
	}
	if _, err := layout.Write(filepath.Join(out, "kinde-authz"), index); err != nil {
		return err
	}
	tag, err := name.NewTag("localhost/kinde-authz:" + version)
	if err != nil {
		return err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	for _, m := range manifest.Manifests {
		image, err := index.Image(m.Digest)
		if err != nil {
			return err
		}
		file := filepath.Join(out, "kinde-authz-"+m.Platform.Architecture+".tar")
		if err := tarball.WriteToFile(file, tag, image); err != nil {
			return err
		}
		log.Printf("%s: %s, %s", file, tag, m.Digest)
	}
	return nil
}

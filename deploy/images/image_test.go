package main

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// What the image of each platform says, and what is in it.
func TestImages(t *testing.T) {
	out := t.TempDir()
	if err := run(t.Context(), "../..", out, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	for _, platform := range platforms {
		t.Run(platform.Architecture, func(t *testing.T) {
			image, err := tarball.ImageFromPath(filepath.Join(out, "kinde-authz-"+platform.Architecture+".tar"), nil)
			if err != nil {
				t.Fatal(err)
			}
			isAsTheDockerfile(t, image, platform)
			root := extract(t, image)
			runs(t, root, platform)
			listsModules(t, filepath.Join(out, "sbom", "kinde-authz-linux-"+platform.Architecture+".spdx.json"))
		})
	}
}

// The same source makes the same image.
func TestReproducible(t *testing.T) {
	var digests []v1.Hash
	for range 2 {
		base, err := scratch([]byte("authorities"))
		if err != nil {
			t.Fatal(err)
		}
		index, err := built(t.Context(), "../..", t.TempDir(), "1.2.3", base)
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := index.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range manifest.Manifests {
			digests = append(digests, m.Digest)
		}
	}
	if n := len(platforms); len(digests) != 2*n || !slices.Equal(digests[:n], digests[n:]) {
		t.Errorf("two builds made %v", digests)
	}
}

func isAsTheDockerfile(t *testing.T, image v1.Image, platform v1.Platform) {
	t.Helper()
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if file.OS != platform.OS || file.Architecture != platform.Architecture {
		t.Errorf("platform %s/%s, want %s", file.OS, file.Architecture, platform)
	}
	content, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	service := content[strings.Index(string(content), "AS kinde-authz"):]
	said := func(instruction string) string {
		match := regexp.MustCompile(`(?m)^` + instruction + ` (.*)$`).FindSubmatch(service)
		if match == nil {
			t.Fatalf("the Dockerfile has no %s", instruction)
		}
		return string(match[1])
	}
	if want := said("USER"); file.Config.User != want {
		t.Errorf("user %q, want %q", file.Config.User, want)
	}
	for _, port := range strings.Fields(said("EXPOSE")) {
		if _, ok := file.Config.ExposedPorts[port+"/tcp"]; !ok {
			t.Errorf("port %s is not exposed", port)
		}
	}
	if got := file.Config.Labels["org.opencontainers.image.version"]; got != "1.2.3" {
		t.Errorf("label for the version %q, want 1.2.3", got)
	}
}

// extract writes the files of image to a folder. All belong to root, and only /tmp may be
// written to by others.
func extract(t *testing.T, image v1.Image) string {
	t.Helper()
	root := t.TempDir()
	files := mutate.Extract(image)
	defer func() { _ = files.Close() }()
	for r := tar.NewReader(files); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return root
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Uid != 0 || header.Gid != 0 {
			t.Errorf("%s belongs to %d:%d, want root", header.Name, header.Uid, header.Gid)
		}
		writable := header.Mode&0o022 != 0
		if writable && header.Typeflag != tar.TypeSymlink && filepath.Clean(header.Name) != "tmp" {
			t.Errorf("%s has mode %o: others can write to it", header.Name, header.Mode)
		}
		place(t, filepath.Join(root, filepath.Clean("/"+header.Name)), header, r)
	}
}

func place(t *testing.T, path string, header *tar.Header, content io.Reader) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	switch header.Typeflag {
	case tar.TypeDir:
		if err := os.MkdirAll(path, 0o750); err != nil {
			t.Fatal(err)
		}
	case tar.TypeSymlink:
		if err := os.Symlink(header.Linkname, path); err != nil {
			t.Fatal(err)
		}
	case tar.TypeReg:
		file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, os.FileMode(header.Mode).Perm())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(file, content); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// runs starts /kinde-authz of the image, by the path that manifests and Compose files use.
// Programs of another architecture run in QEMU.
func runs(t *testing.T, root string, platform v1.Platform) {
	t.Helper()
	link, err := os.Readlink(filepath.Join(root, "kinde-authz"))
	if err != nil {
		t.Fatal(err)
	}
	command := []string{filepath.Join(root, link), "version"}
	if platform.Architecture == "arm64" {
		command = append([]string{"qemu-aarch64-static"}, command...)
	}
	answer, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
	if err != nil || !strings.Contains(string(answer), "1.2.3") {
		t.Errorf("%v: %v %s, want version 1.2.3", command, err, answer)
	}
}

// listsModules looks for a module that the program is known to have.
func listsModules(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var sbom struct {
		SPDXVersion string `json:"spdxVersion"`
		Packages    []struct {
			Name    string `json:"name"`
			Version string `json:"versionInfo"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(content, &sbom); err != nil {
		t.Fatal(err)
	}
	for _, p := range sbom.Packages {
		if p.Name == "google.golang.org/grpc" && p.Version != "" {
			return
		}
	}
	t.Errorf("%s (%s): grpc is not among %d packages", filepath.Base(path), sbom.SPDXVersion, len(sbom.Packages))
}

package main

import (
	"archive/tar"
	"bytes"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// authorities is where Debian keeps the certificates of public authorities, and where Go
// looks for them: the program verifies its issuers' by them.
const authorities = "/etc/ssl/certs/ca-certificates.crt"

// user is the number that distroless images give their user nonroot.
const user = "65532"

// scratch is the base image for each platform: the certificates, a user, and /kinde-authz,
// which leads to where ko puts the program.
func scratch(ca []byte) (v1.ImageIndex, error) {
	content, err := archive([]entry{
		{tar.Header{Name: "etc/", Typeflag: tar.TypeDir, Mode: 0o755}, nil},
		{tar.Header{Name: "etc/passwd", Mode: 0o644}, []byte("nonroot:x:" + user + ":" + user + "::/:/sbin/nologin\n")},
		{tar.Header{Name: "etc/group", Mode: 0o644}, []byte("nonroot:x:" + user + ":\n")},
		{tar.Header{Name: authorities[1:], Mode: 0o644}, ca},
		{tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777}, nil},
		{tar.Header{Name: "kinde-authz", Typeflag: tar.TypeSymlink, Linkname: "/ko-app/kinde-authz", Mode: 0o777}, nil},
	})
	if err != nil {
		return nil, err
	}
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	layer, err := tarball.LayerFromOpener(opener, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, platform := range platforms {
		image, err := configured(layer, platform)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &platform},
		})
	}
	return index, nil
}

// configured is an image of the layer with the settings of the Dockerfile. ko sets the
// entry point, and drops a command: without one the program serves.
func configured(layer v1.Layer, platform v1.Platform) (v1.Image, error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.AppendLayers(image, layer)
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = platform.OS, platform.Architecture
	file.Config.User = user + ":" + user
	file.Config.ExposedPorts = map[string]struct{}{"9191/tcp": {}, "9192/tcp": {}}
	return mutate.ConfigFile(image, file)
}

// entry is a file of an archive.
type entry struct {
	header  tar.Header
	content []byte
}

// archive is the entries as a tar file.
func archive(entries []entry) ([]byte, error) {
	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	for _, e := range entries {
		e.header.Size = int64(len(e.content))
		if err := w.WriteHeader(&e.header); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.content); err != nil {
			return nil, err
		}
	}
	return buffer.Bytes(), w.Close()
}

package deploy

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// kustomized are the folders that can be applied as they are.
var kustomized = []string{"base", "envoy", "overlays/mtls", "overlays/sidecar"}

// folder returns deploy/kubernetes in memory, at its path from the root of the project, with more
// files.
func folder(t *testing.T, more map[string]string) filesys.FileSystem {
	t.Helper()
	files := filesys.MakeFsInMemory()
	err := filepath.WalkDir("../kubernetes", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return files.WriteFile("/deploy/"+strings.TrimPrefix(path, "../"), content)
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range more {
		if err := files.WriteFile("/"+path, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// build does what kubectl kustomize does, with a folder by its path from the root of the project.
func build(t *testing.T, files filesys.FileSystem, dir string) []object {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, "/"+dir)
	if err != nil {
		t.Fatal(err)
	}
	manifests, err := resources.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	all, err := objects(manifests)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// kustomize builds a folder of deploy/kubernetes, with components.
func kustomize(t *testing.T, dir string, components ...string) []object {
	t.Helper()
	kustomization := "resources: [../deploy/kubernetes/" + dir + "]\ncomponents:\n"
	for _, component := range components {
		kustomization += "- ../deploy/kubernetes/components/" + component + "\n"
	}
	return build(t, folder(t, map[string]string{"user/kustomization.yaml": kustomization}), "user")
}

func TestEveryFolderBuilds(t *testing.T) {
	for _, dir := range kustomized {
		t.Run(dir, func(t *testing.T) {
			if len(kustomize(t, dir)) == 0 {
				t.Error("it makes no objects")
			}
		})
	}
	find[serviceMonitor](t, kustomize(t, "base", "servicemonitor"), "ServiceMonitor", "kinde-authz")
}

// A folder that no test knows would be one that nothing looks at.
func TestEveryFolderIsTested(t *testing.T) {
	known := append(slices.Clone(kustomized),
		"components/assertion", "components/envoy-mtls", "components/envoy-tls", "components/mtls",
		"components/prometheusrule", "components/servicemonitor", "components/sidecar")
	found, err := filepath.Glob("../kubernetes/*/kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	deeper, err := filepath.Glob("../kubernetes/*/*/kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found = append(found, deeper...)
	for i := range found {
		found[i] = strings.TrimPrefix(filepath.Dir(found[i]), "../kubernetes/")
	}
	slices.Sort(found)
	slices.Sort(known)
	if !slices.Equal(found, known) {
		t.Errorf("found %s, tested are %s", found, known)
	}
}

package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// runPolicyTests runs cases in a folder and returns what was printed.
func runPolicyTests(t *testing.T, dir, file string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), programs.Authz, "test", file)
	command.Dir = dir
	out, err := command.CombinedOutput()
	return string(out), err
}

// casesPass checks that all cases pass, and reach all that the settings say.
func casesPass(t *testing.T, dir, file string) {
	t.Helper()
	out, err := runPolicyTests(t, dir, file)
	if err != nil || !strings.HasSuffix(out, " passed, 0 failed\n") {
		t.Errorf("%s: %v\n%s", file, err, out)
	}
}

// Each settings file of the project that has policies is tested by cases beside it, or
// one folder above.
func TestPoliciesOfSettingsFiles(t *testing.T) {
	tested := map[string]bool{}
	var settings []string
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".." || entry.Name() == "testdata"):
			return fs.SkipDir
		case filepath.Ext(path) != ".yaml" || entry.IsDir():
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		named := regexp.MustCompile(`(?m)^settings: (\S+)$`).FindSubmatch(content)
		switch {
		case named != nil && strings.HasSuffix(path, ".tests.yaml"):
			tested[filepath.Join(filepath.Dir(path), string(named[1]))] = true
			casesPass(t, filepath.Dir(path), filepath.Base(path))
		case regexp.MustCompile(`(?m)^policies:`).Match(content):
			settings = append(settings, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	copied := "../deploy/kubernetes/overlays/sidecar/kinde-authz.yaml" // from base, as deploy/test checks
	for _, path := range settings {
		if !tested[path] && path != copied {
			t.Errorf("no case is about %s", path)
		}
	}
	if len(tested) < 5 {
		t.Errorf("%d files of settings are tested, want 5 or more", len(tested))
	}
}

// The policies that the documents show do what their cases say.
func TestPoliciesOfDocuments(t *testing.T) {
	shown := map[string]bool{}
	for _, b := range blocks(t) {
		isSettings := strings.Contains("\n"+b.text, "\npolicies:") && strings.Contains(b.text, "\nroutes:")
		name := strings.TrimSuffix(filepath.Base(b.document), ".md")
		if b.language != "yaml" || !isSettings || name == "testing-policies" {
			continue // its cases are its own
		}
		if shown[name] {
			t.Fatalf("%s shows more than one file of settings", b.document)
		}
		shown[name] = true
		dir := t.TempDir()
		write(t, filepath.Join(dir, "kinde-authz.yaml"), b.text)
		write(t, filepath.Join(dir, name+".tests.yaml"), readFile(t, "testdata/policies/"+name+".tests.yaml"))
		casesPass(t, dir, name+".tests.yaml")
	}
	if files, _ := filepath.Glob("testdata/policies/*.tests.yaml"); len(shown) != len(files) || len(shown) < 3 {
		t.Errorf("%d documents show policies, and there are %d files of cases", len(shown), len(files))
	}
}

// The guide's files do what it says, to the letter.
func TestGuideToTestingPolicies(t *testing.T) {
	const prompt = "$ kinde-authz test kinde-authz.tests.yaml\n"
	blocks, printed := blocksOf(t, "docs/testing-policies.md", "yaml"), blocksOf(t, "docs/testing-policies.md", "")
	settings, cases, mistake := blocks[0], blocks[1], blocks[2]
	for number, content := range []string{settings, strings.Replace(settings, "routes:\n", "routes:\n"+mistake, 1)} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "kinde-authz.yaml"), content)
		write(t, filepath.Join(dir, "kinde-authz.tests.yaml"), cases)
		out, err := runPolicyTests(t, dir, "kinde-authz.tests.yaml")
		expires := regexp.MustCompile(`(x-kinde-token-expires: )\d+`)
		want := expires.ReplaceAllString(strings.TrimPrefix(printed[number], prompt), "$1")
		if got := expires.ReplaceAllString(out, "$1"); (err != nil) != (number == 1) || got != want {
			t.Errorf("%v: got\n%swant\n%s", err, got, want)
		}
	}
}

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

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// policyBlocks returns the blocks of a document that are settings with policies and
// routes.
func policyBlocks(t *testing.T, path string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
		if strings.Contains("\n"+match[1], "\npolicies:") && strings.Contains(match[1], "\nroutes:") {
			blocks = append(blocks, match[1])
		}
	}
	return blocks
}

// The policies that the documents show do what their cases say.
func TestPoliciesOfDocuments(t *testing.T) {
	documents, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, path := range append(documents, "../README.md") {
		name := strings.TrimSuffix(filepath.Base(path), ".md")
		blocks := policyBlocks(t, path)
		if name == "testing-policies" || len(blocks) == 0 {
			continue // its cases are its own
		}
		if len(blocks) > 1 {
			t.Fatalf("%s shows %d settings, want one", path, len(blocks))
		}
		shown++
		dir := t.TempDir()
		write(t, filepath.Join(dir, "kinde-authz.yaml"), blocks[0])
		cases, err := os.ReadFile("testdata/policies/" + name + ".tests.yaml")
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name+".tests.yaml"), string(cases))
		casesPass(t, dir, name+".tests.yaml")
	}
	if files, _ := filepath.Glob("testdata/policies/*.tests.yaml"); shown != len(files) || shown < 3 {
		t.Errorf("%d documents show policies, and there are %d files of cases", shown, len(files))
	}
}

// The guide's files do what it says, to the letter.
func TestGuideToTestingPolicies(t *testing.T) {
	text, err := os.ReadFile("../docs/testing-policies.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := yamlBlock.FindAllStringSubmatch(string(text), 3)
	const prompt = "```\n$ kinde-authz test kinde-authz.tests.yaml\n"
	printed := regexp.MustCompile("(?s)"+regexp.QuoteMeta(prompt)+"(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) != 3 || len(printed) != 2 {
		t.Fatalf("%d blocks of YAML and %d of output", len(blocks), len(printed))
	}
	settings, cases, mistake := blocks[0][1], blocks[1][1], blocks[2][1]
	for number, content := range []string{settings, strings.Replace(settings, "routes:\n", "routes:\n"+mistake, 1)} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "kinde-authz.yaml"), content)
		write(t, filepath.Join(dir, "kinde-authz.tests.yaml"), cases)
		out, err := runPolicyTests(t, dir, "kinde-authz.tests.yaml")
		expires := regexp.MustCompile(`(x-kinde-token-expires: )\d+`)
		want := expires.ReplaceAllString(printed[number][1], "$1")
		if got := expires.ReplaceAllString(out, "$1"); (err != nil) != (number == 1) || got != want {
			t.Errorf("%v: got\n%swant\n%s", err, got, want)
		}
	}
}

package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A block is what a document shows between two fences.
type block struct {
	document string // from the project's root
	line     int    // of the first fence
	language string // empty: none is named
	text     string // without the indentation of a list
}

// tested are the blocks of each language in each document, and who runs them, or compares
// them with what a program prints: tests of any package, at least one of them without the
// tag deploy, and scripts of deploy/test.
var tested = []struct {
	document, language string
	blocks             int
	by                 string
}{
	{"CONTRIBUTING.md", "sh", 3, "TestReadmeCommands"},
	{"README.md", "json", 1, "TestReadmeShowsADenial"},
	{"README.md", "sh", 6, "TestReadmeCommands"},
	{"README.md", "yaml", 1, "TestPoliciesOfDocuments TestExamplesAreValid"},
	{"docs/envoy-gateway.md", "sh", 3, "TestGuidesForControlPlanes TestEnvoyGateway TestCluster"},
	{"docs/envoy.md", "", 1, "TestProductionEnvoy"},
	{"docs/envoy.md", "", 1, "TestGuideReplacesEachReplica deploy/test/compose.sh"},
	{"docs/envoy.md", "sh", 8, "TestDocumentsNameWhatThereIs deploy/test/systemd.sh"},
	{"docs/envoy.md", "yaml", 1, "TestCertificatesChangeUnderLoad"},
	{"docs/istio.md", "sh", 3, "TestGuidesForControlPlanes TestIstio"},
	{"docs/kinde-setup.md", "sh", 1, "TestKindeSetupExplainsTheFirstToken"},
	{"docs/kinde-setup.md", "yaml", 1, "TestKindeSetupTellsWhatAMissingStepLooksLike TestPoliciesOfDocuments"},
	{"docs/kubernetes.md", "sh", 16, "TestGuide TestCluster"},
	{"docs/kubernetes.md", "yaml", 14, "TestGuide TestGuideSaysTheSameOfBothWays TestGuideToMutualTLSKeepsTheRest " +
		"TestGuideClosesTheAPI TestIngressOfTheGuide TestGuideExposesEnvoy TestPeerOfTheGuide TestCluster"},
	{"docs/mcp.md", "console", 1, "TestGuideForMCP"},
	{"docs/mcp.md", "sh", 1, "TestGuideForMCP"},
	{"docs/mcp.md", "yaml", 2, "TestPoliciesOfDocuments TestEnvoysMetadataAreEnough"},
	{"docs/migrating-from-mastra-auth-kinde.md", "js", 3, "TestMigrationGuideKeepsTheOptions TestMastraFindsOldThreads"},
	{"docs/migrating-from-mastra-auth-kinde.md", "sh", 1, "TestMigrationGuideKeepsTheOptions"},
	{"docs/migrating-from-mastra-auth-kinde.md", "yaml", 1, "TestMigrationGuideKeepsTheOptions TestPoliciesOfDocuments"},
	{"docs/settings.md", "", 1, "TestSettingsPage"},
	{"docs/settings.md", "sh", 1, "TestSettingsPage"},
	{"docs/settings.md", "yaml", 4, "TestSettingsPage TestSchemasForEditors TestPoliciesThroughEnvoy"},
	{"docs/testing-policies.md", "", 2, "TestGuideToTestingPolicies"},
	{"docs/testing-policies.md", "sh", 1, "TestGuideToTestingPoliciesInCI"},
	{"docs/testing-policies.md", "yaml", 6,
		"TestGuideToTestingPolicies TestSchemasForEditors TestGuideToTestingPoliciesInCI"},
	{"docs/tracing.md", "sh", 1, "TestGuideToTracing"},
	{"docs/upstreams.md", "go", 1, "TestGuideForUpstreams TestUpstreamsRefuseWhoeverComesRoundEnvoy"},
	{"docs/upstreams.md", "js", 2,
		"TestGuideForUpstreams TestUpstreamsRefuseWhoeverComesRoundEnvoy TestMastraKeepsThreadsApart"},
	{"docs/upstreams.md", "python", 1, "TestGuideForUpstreams TestUpstreamsRefuseWhoeverComesRoundEnvoy"},
	{"docs/upstreams.md", "sh", 1, "TestGuideForUpstreams"},
	{"docs/upstreams.md", "sh", 3, "TestGuideToAServiceOfOnesOwn"},
	{"docs/upstreams.md", "yaml", 1, "TestGuideForUpstreams"},
}

// Every block of every document is run by a test, or is what a test has printed.
func TestBlocksAreTested(t *testing.T) {
	type kind struct{ document, language string }
	want, got, lines := map[kind]int{}, map[kind]int{}, map[kind][]int{}
	tests := files(t, "_test.go")
	for _, row := range tested {
		want[kind{row.document, row.language}] += row.blocks
		there(t, tests, row.document, row.by)
	}
	for _, b := range blocks(t) {
		of := kind{b.document, b.language}
		got[of]++
		lines[of] = append(lines[of], b.line)
		want[of] += 0
	}
	for of, n := range want {
		switch {
		case n < got[of]:
			t.Errorf("%s has %d blocks in the language %q, at the lines %v, and tests run %d: write one that runs the rest, "+
				"and name it in the table tested", of.document, got[of], of.language, lines[of], n)
		case n > got[of]:
			t.Errorf("%s has %d blocks in the language %q, at the lines %v, and the table tested has %d: take out what is gone",
				of.document, got[of], of.language, lines[of], n)
		}
	}
}

// there wants each name to be that of a test, or of a script that reads the document, and
// one of the tests to be run by make test.
func there(t *testing.T, tests map[string]string, document, names string) {
	t.Helper()
	always := false
	for name := range strings.FieldsSeq(names) {
		if strings.HasSuffix(name, ".sh") {
			if !strings.Contains(readFile(t, filepath.Join("..", name)), document) {
				t.Errorf("%s does not read %s", name, document)
			}
			continue
		}
		found := false
		for path, text := range tests {
			if !strings.Contains(text, "\nfunc "+name+"(t *testing.T) {") {
				continue
			}
			found = true
			always = always || !strings.HasPrefix(text, "//go:build deploy") && !strings.Contains(path, "browser")
		}
		if !found {
			t.Errorf("%s: there is no test %s", document, name)
		}
	}
	if !always {
		t.Errorf("%s: make test runs none of %s", document, names)
	}
}

var fence = regexp.MustCompile("^( *)(```+|~~~+) *(\\S*)")

// blocks are those of all documents, wherever they stand.
func blocks(t *testing.T) (all []block) {
	t.Helper()
	for path, text := range files(t, ".md") {
		var open *block
		indent, end := "", ""
		for n, line := range strings.Split(text, "\n") {
			match := fence.FindStringSubmatch(line)
			switch {
			case open == nil && match != nil:
				open, indent, end = &block{document: path, line: n + 1, language: match[3]}, match[1], match[2]
			case open != nil && strings.TrimSpace(line) == end:
				all, open = append(all, *open), nil
			case open != nil:
				open.text += strings.TrimPrefix(line, indent) + "\n"
			}
		}
		if open != nil {
			t.Errorf("%s:%d: the block has no end", path, open.line)
		}
	}
	if len(all) == 0 {
		t.Fatal("no document has a block")
	}
	return all
}

// blocksOf are the blocks of a document in a language, as it has them in order.
func blocksOf(t *testing.T, document, language string) (texts []string) {
	t.Helper()
	for _, b := range blocks(t) {
		if b.document == document && b.language == language {
			texts = append(texts, b.text)
		}
	}
	if len(texts) == 0 {
		t.Fatalf("%s has no block in %q", document, language)
	}
	return texts
}

// shell runs a script in a folder, with the built programs on PATH, and returns what it
// prints. Each text that it is to have another in place of must be in it.
func shell(t *testing.T, dir, script string, replacements ...string) string {
	t.Helper()
	script = replaced(t, script, replacements...)
	command := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	command.Dir = dir
	command.Env = append(os.Environ(), "PATH="+filepath.Dir(programs.Authz)+":"+os.Getenv("PATH"))
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, script, out)
	}
	return string(out)
}

// replaced is a script that has each second text in place of the first, which must be in it.
func replaced(t *testing.T, script string, replacements ...string) string {
	t.Helper()
	for i := 0; i < len(replacements); i += 2 {
		if !strings.Contains(script, replacements[i]) {
			t.Fatalf("there is no %q in %s", replacements[i], script)
		}
	}
	return strings.NewReplacer(replacements...).Replace(script)
}

// files are those of the project whose names end so, and what they hold.
func files(t *testing.T, suffix string) map[string]string {
	t.Helper()
	found := map[string]string{}
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") && path != "."):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, suffix):
			return nil
		}
		content, err := fs.ReadFile(root, path)
		found[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(fmt.Errorf("reading the documents: %w", err))
	}
	return found
}

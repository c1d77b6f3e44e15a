package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The comparison repeats figures of the benchmarks: they must be those of the last run.
func TestComparisonHasTheMeasuredFigures(t *testing.T) {
	comparison, err := os.ReadFile("../docs/comparison.md")
	if err != nil {
		t.Fatal(err)
	}
	benchmarks, err := os.ReadFile("../docs/benchmarks.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`\n\| adds to a request[^\n]*`).Find(comparison)
	for _, name := range []string{"kinde-authz, remembered token", "jwt_authn with its cache, RBAC"} {
		measured := regexp.MustCompile(`\n- ` + name + `: \*\*([0-9.]+ ms)\*\*`).FindSubmatch(benchmarks)
		if measured == nil || !strings.Contains(string(row), " "+string(measured[1])+" ") {
			t.Errorf("%s: measured %q, the comparison says %s", name, measured, row)
		}
	}
}

// What the pages link to is there, its heading too.
func TestPagesLinkToWhatThereIs(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "../README.md", "../CONTRIBUTING.md", "../CHANGELOG.md") {
		content, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range regexp.MustCompile(`\]\(([^)\s:]+)\)`).FindAllStringSubmatch(string(content), -1) {
			path, heading, _ := strings.Cut(link[1], "#")
			target := filepath.Join(filepath.Dir(page), path)
			if path == "" {
				target = page
			}
			there, err := os.ReadFile(target)
			if info, statErr := os.Stat(target); err != nil && (statErr != nil || !info.IsDir()) {
				t.Errorf("%s links to %s: %v", page, link[1], err)
			}
			if heading != "" && !hasHeading(string(there), heading) {
				t.Errorf("%s links to %s, a heading that is not there", page, link[1])
			}
		}
	}
}

// hasHeading reports whether a page has a heading with that anchor, as GitHub makes it.
func hasHeading(page, anchor string) bool {
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		text := strings.ReplaceAll(strings.ToLower(heading[1]), " ", "-")
		if regexp.MustCompile("[^a-z0-9_-]").ReplaceAllString(text, "") == anchor {
			return true
		}
	}
	return false
}

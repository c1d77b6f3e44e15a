package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Many commands need root, a cluster or minutes: scripts of deploy/test run those. Here all
// of every document are looked at: shells can read them, and what they name is there.
func TestDocumentsNameWhatThereIs(t *testing.T) {
	for _, b := range blocks(t) {
		if b.language != "sh" {
			continue
		}
		check := exec.CommandContext(t.Context(), "bash", "-n")
		check.Stdin = strings.NewReader(b.text)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s:%d: %v: %s\n%s", b.document, b.line, err, out, b.text)
		}
	}
	named := 0
	for document, text := range files(t, ".md") {
		if document == "CHANGELOG.md" {
			continue // what it names was there
		}
		commands := commandsIn(text)
		named += filesNamed(t, document, text) + flagsNamed(t, document, commands) + targetsNamed(t, document, commands)
	}
	if named < 200 {
		t.Errorf("%d files, flags and targets are named, want 200 or more", named)
	}
}

// commandsIn is what a document has as code, a command on each line.
func commandsIn(text string) string {
	const fenced, inline = "(?ms)^ *```[^\n]*\n.*?^ *```$", "`[^`]+`"
	spaces := regexp.MustCompile(`\s+`)
	var commands strings.Builder
	prose := regexp.MustCompile(fenced).ReplaceAllStringFunc(text, func(block string) string {
		commands.WriteString(strings.ReplaceAll(block, "\\\n", "") + "\n")
		return ""
	})
	for _, code := range regexp.MustCompile(inline).FindAllString(prose, -1) {
		commands.WriteString(spaces.ReplaceAllString(strings.Trim(code, "`"), " ") + "\n")
	}
	return commands.String()
}

// filesNamed wants files to be there. Deployments, and files of others, have such names too.
func filesNamed(t *testing.T, document, text string) (named int) {
	t.Helper()
	folders := regexp.MustCompile(`[^\w/.:-]((?:deploy|scripts|docs|e2e|cmd|internal)/[\w./-]*\w)`)
	text = regexp.MustCompile(`port-forward deploy/\S+|\[[^\]]*\]\(https:[^)]*\)`).ReplaceAllString(text, "")
	for _, match := range folders.FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join("..", match[1])); err != nil {
			t.Errorf("%s: %v", document, err)
		}
		named++
	}
	return named
}

// flagsNamed wants each flag to be one of the command it stands behind.
func flagsNamed(t *testing.T, document, commands string) (named int) {
	t.Helper()
	const before, after = `(?m)(?:^ *|[|;&(] *|until |^\$ |=\S* )`, `((?: [^|;&()\n]*)?)`
	ours := regexp.MustCompile(before + `(?:bin/)?(kinde-authz|kinde-dev)` + after)
	for _, match := range ours.FindAllStringSubmatch(commands, -1) {
		program, words := filepath.Join(filepath.Dir(programs.Authz), match[1]), strings.Fields(match[2])
		command := []string{"--help"}
		if len(words) > 0 && regexp.MustCompile(`^[a-z-]+$`).MatchString(words[0]) && words[0][0] != '-' {
			command = []string{words[0], "--help"}
		} else if match[1] == "kinde-authz" && len(words) > 0 {
			command = []string{"serve", "--help"}
		}
		code, help, faults := output(t, exec.Command(program, command...))
		if code != 0 {
			t.Errorf("%s: %s%s: %s", document, match[1], match[2], faults)
		}
		for _, flag := range regexp.MustCompile(` --[a-z-]+`).FindAllString(match[2], -1) {
			if !regexp.MustCompile(`(?m)^ .*` + flag + `\b`).MatchString(help) {
				t.Errorf("%s: %s%s: no flag%s", document, match[1], match[2], flag)
			}
			named++
		}
	}
	return named
}

// targetsNamed wants each target and variable to be one of the Makefile.
func targetsNamed(t *testing.T, document, commands string) (named int) {
	t.Helper()
	makefile := readFile(t, "../Makefile")
	uses := regexp.MustCompile(`(?m)^ *make ([a-z-]+)((?: [A-Z_]+=\S*)*)`)
	for _, match := range uses.FindAllStringSubmatch(commands, -1) {
		if !strings.Contains(makefile, "\n"+match[1]+":") {
			t.Errorf("%s: there is no make %s", document, match[1])
		}
		for variable := range strings.FieldsSeq(match[2]) {
			name, _, _ := strings.Cut(variable, "=")
			if !regexp.MustCompile(`[(, ]` + name + `[), ]`).MatchString(makefile) {
				t.Errorf("%s: make %s has no variable %s", document, match[1], name)
			}
		}
		named++
	}
	return named
}

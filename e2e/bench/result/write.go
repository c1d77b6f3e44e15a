package result

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	begin = "<!-- results: begin -->"
	end   = "<!-- results: end -->"
)

// newPage is benchmarks.md where there is none.
const newPage = "# Benchmarks\n\nMade by `make bench`.\n\n" + begin + "\n" + end + "\n"

// WriteAll writes everything below a folder: bench/results.json and .txt, the
// charts, and the part of benchmarks.md between the markers.
func (r *Result) WriteAll(dir string) error {
	folder := filepath.Join(dir, "bench")
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // for all to read
		return err
	}
	if err := r.Write(filepath.Join(folder, "results.json")); err != nil {
		return err
	}
	if err := writeText(filepath.Join(folder, "results.txt"), r.Benchmarks()); err != nil {
		return err
	}
	if err := r.draw(folder); err != nil {
		return err
	}
	page := filepath.Join(dir, "benchmarks.md")
	text, err := os.ReadFile(page) //nolint:gosec // the developer's own file
	if os.IsNotExist(err) {
		text, err = []byte(newPage), nil
	}
	if err != nil {
		return err
	}
	replaced, err := replace(string(text), r.Markdown())
	if err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	return writeText(page, replaced)
}

// replace puts a text between the markers, each of which must stand once, and
// leaves the rest as it is.
func replace(page, text string) (string, error) {
	before, rest, ok := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed || strings.Contains(rest, begin) || strings.Contains(after, end) {
		return "", fmt.Errorf("want %s and, after it, %s, once each", begin, end)
	}
	return before + begin + "\n" + strings.TrimSpace(text) + "\n" + end + after, nil
}

func writeText(path, text string) error {
	return os.WriteFile(path, []byte(text), 0o644) //nolint:gosec // for all to read
}

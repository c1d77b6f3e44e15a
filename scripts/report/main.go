// Command report passes on what go test -json prints, as text, and counts what it
// proved. At the end of make test it says so in a few sentences.
//
//	go test -json ./... | report FILE    count into FILE
//	report -sum FILE…                    say what was proved
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// event is a line of go test -json (go doc test2json).
type event struct {
	Action, Package, Test, Output string
}

// counts are the tests of one run, subtests included.
type counts struct {
	Passed, Attacks, Failed, Skipped int
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	switch {
	case len(args) > 1 && args[0] == "-sum":
		return sum(args[1:], out)
	case len(args) == 1:
		c, err := count(in, out)
		if err != nil {
			return err
		}
		return c.write(args[0])
	default:
		return fmt.Errorf("want FILE, or -sum FILE…")
	}
}

// count passes on the output of packages and of what failed.
func count(in io.Reader, out io.Writer) (*counts, error) {
	c, outputs := &counts{}, map[string][]string{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(out, lines.Text()) // of the compiler
			continue
		}
		test := e.Package + " " + e.Test
		switch {
		case e.Action == "build-output", e.Action == "output" && e.Test == "":
			fmt.Fprint(out, e.Output)
		case e.Action == "output":
			outputs[test] = append(outputs[test], e.Output)
		case e.Action == "fail" && e.Test == "": // of a crash there is no test that failed
			for _, of := range slices.Sorted(maps.Keys(outputs)) {
				if strings.HasPrefix(of, test) {
					fmt.Fprint(out, strings.Join(outputs[of], ""))
				}
			}
		case e.Test == "":
		case e.Action == "fail":
			c.Failed++
			fmt.Fprint(out, strings.Join(outputs[test], ""))
			delete(outputs, test)
		case e.Action == "skip":
			c.Skipped++
			fmt.Fprint(out, strings.Join(outputs[test], ""))
		case e.Action == "pass":
			c.Passed++
			if strings.Contains(e.Test, "Attack") {
				c.Attacks++
			}
			delete(outputs, test)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if c.Skipped > 0 {
		return nil, fmt.Errorf("%d tests were skipped: what cannot run must fail", c.Skipped)
	}
	return c, nil
}

func (c *counts) write(path string) error {
	content, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600) //nolint:gosec // the Makefile names it
}

// sum says what the runs proved, one line each; a run's file is named for what it
// ran with.
func sum(paths []string, out io.Writer) error {
	total := counts{}
	for _, path := range paths {
		content, err := os.ReadFile(path) //nolint:gosec // the Makefile names it
		if err != nil {
			return err
		}
		var c counts
		if err := json.Unmarshal(content, &c); err != nil {
			return err
		}
		name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".json"), "-", " ")
		fmt.Fprintf(out, "%d tests passed %s, %d of them attacks.\n", c.Passed, name, c.Attacks)
		total.Passed, total.Failed = total.Passed+c.Passed, total.Failed+c.Failed
	}
	_, err := fmt.Fprintf(out, "Nothing was skipped.\n%d passed, %d failed\n", total.Passed, total.Failed)
	return err
}

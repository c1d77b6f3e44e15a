package main

import (
	"io"
	"os"
	"regexp"
)

// colouring colours the outcomes in what commands print for people. They write
// whole lines, and JSON has no line that begins so.
type colouring struct{ io.Writer }

// palette is what is coloured, with the SGR parameter of ECMA-48.
var palette = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`(?m)^(allow|ok|valid)\b`), "\x1b[32m$1\x1b[0m"},
	{regexp.MustCompile(`(?m)^(deny|failed|FAIL)\b`), "\x1b[31m$1\x1b[0m"},
	{regexp.MustCompile(`(?m)^(warning)\b`), "\x1b[33m$1\x1b[0m"},
	{regexp.MustCompile(`(?m)^(\S+:\d+(?::\d+)?: )(warning):`), "$1\x1b[33m$2\x1b[0m:"},
	{regexp.MustCompile(`(?m)^(=> .*)$`), "\x1b[1m$1\x1b[0m"},
}

// Write implements [io.Writer].
func (c colouring) Write(text []byte) (int, error) {
	coloured := text
	for _, p := range palette {
		coloured = p.pattern.ReplaceAll(coloured, []byte(p.with))
	}
	if _, err := c.Writer.Write(coloured); err != nil {
		return 0, err
	}
	return len(text), nil
}

// output returns what commands print to: with colours on a terminal that has
// them, unless NO_COLOR is set (https://no-color.org).
func output(file *os.File) io.Writer {
	if os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return file
	}
	if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return file
	}
	return colouring{file}
}

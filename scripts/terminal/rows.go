package main

import (
	"regexp"
	"strings"
)

// columns is how wide the terminal is.
const columns = 88

// run is text of one style.
type run struct{ class, text string }

// sgr is what changes the style of what follows (ECMA-48, SGR).
var sgr = regexp.MustCompile(`\x1b\[([0-9;]*)m`)

// classes are the styles that the programs use.
var classes = map[string]string{"1": "bold", "31": "red", "32": "green", "33": "yellow"}

// plain is a text without its styles.
func plain(text string) string { return sgr.ReplaceAllString(text, "") }

// rows breaks a line where a terminal does, and keeps its styles.
func rows(line string) [][]run {
	var all [][]run
	var row []run
	width := 0
	put := func(class string, r rune) {
		if width == columns {
			all, row, width = append(all, row), nil, 0
		}
		if last := len(row) - 1; last >= 0 && row[last].class == class {
			row[last].text += string(r)
		} else {
			row = append(row, run{class, string(r)})
		}
		width++
	}
	class := ""
	for line != "" {
		next := sgr.FindStringSubmatchIndex(line)
		if next == nil {
			next = []int{len(line), len(line), len(line), len(line)}
		}
		for _, r := range line[:next[0]] {
			put(class, printable(r))
		}
		class, line = classes[line[next[2]:next[3]]], line[next[1]:]
	}
	return append(all, row)
}

// printable replaces what XML does not allow.
func printable(r rune) rune {
	if r < ' ' {
		return '\ufffd'
	}
	return r
}

// text is the whole row.
func text(row []run) string {
	var all strings.Builder
	for _, r := range row {
		all.WriteString(r.text)
	}
	return all.String()
}

package main

import (
	"strings"
	"time"
)

// How fast the session goes.
const (
	typing = 25 * time.Millisecond // a character
	thinks = 400 * time.Millisecond
	prints = 60 * time.Millisecond // a row
	reads  = 2500 * time.Millisecond
)

// frame is a row of the film and when it comes.
type frame struct {
	row   []run
	at    time.Duration
	typed bool // from at on, character by character
}

// prompt is before a command, more before what its next line holds.
var (
	prompt = run{"green", "$ "}
	more   = run{"green", "> "}
)

// film says what comes when. Another terminal than that of the first command is told of.
func film(session []shown) []frame {
	var frames []frame
	now := thinks
	for i, s := range session {
		if i == 1 {
			frames = append(frames, frame{at: now}, frame{row: []run{{"dim", "# in another terminal"}}, at: now})
		}
		if i > 1 {
			frames = append(frames, frame{at: now})
		}
		begin := prompt
		for line := range strings.SplitSeq(s.line, "\n") {
			frames = append(frames, frame{append([]run{begin}, rows(line)[0]...), now, true})
			now += time.Duration(len(line)) * typing
			begin = more
		}
		now += thinks
		for _, line := range s.lines {
			for _, row := range rows(line) {
				frames = append(frames, frame{row: row, at: now})
				now += prints
			}
		}
		now += reads
	}
	return append(frames, frame{at: now}, frame{row: []run{prompt, {"", "█"}}, at: now})
}

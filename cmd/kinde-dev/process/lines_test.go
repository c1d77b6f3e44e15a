package process

import (
	"bytes"
	"testing"
)

func TestLinesForgetALineWithoutEnd(t *testing.T) {
	var last string
	w := Lines(func(line []byte) { last = string(line) })
	for range 100 {
		_, _ = w.Write(bytes.Repeat([]byte("x"), maxLine/10))
	}
	if len(w.partial) > maxLine {
		t.Errorf("it holds %d bytes", len(w.partial))
	}
	_, _ = w.Write([]byte("\nthe next\nand"))
	if last != "the next" {
		t.Errorf("got %.20q", last)
	}
}
